"""Mixed precision: a network's layers in a shorter format, everything else in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

import torch
from torch import Tensor, nn

from vaehub.core.network import Network


@contextmanager
def layers_in(dtype: torch.dtype, network: Network) -> Iterator[None]:
    """Let a network's encoder and decoder compute in another format and give float32, as long as the context lasts.

    Only matrix products and convolutions change, as :class:`torch.autocast` decides: weights, their gradients and all
    that an objective makes of the network's output stay in float32. Products of bfloat16 have 8 bits of precision and
    the range of float32, so that losses need no scaling.
    """
    if dtype == torch.float32:
        yield
        return
    modules = (network.encoder, network.decoder)
    for module in modules:
        module.forward = _autocast(module, dtype)
    try:
        yield
    finally:
        for module in modules:
            del module.forward


def _autocast(module: nn.Module, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    forward = module.forward

    @wraps(forward)
    def wrapped(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype):
            output: Tensor = forward(x)
        return output.float()

    return wrapped
