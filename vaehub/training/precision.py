"""How the steps of a training are computed: in what format, in what layout, compiled or not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.core.data.dataset import Batch
from vaehub.core.errors import first_line
from vaehub.core.model import LatentModel, Losses, Step
from vaehub.core.network import Network
from vaehub.core.random import compiled_draws_from
from vaehub.core.recipe import TrainParams

log = logging.getLogger(__name__)

FEW_CORES = 2
"""Up to which one thread is enough for compiled loops: 1.2 times as fast on two cores."""

LossFunction = Callable[[Batch, Step], Losses]


class Precision:
    """What ``train.precision``, ``train.channels_last`` and ``train.compile`` ask for.

    Each can change the last digits of every number, and none the meaning of any.

    Args:
        model: To be trained; its weights are laid out anew if that is asked for, before anything is made of them.
        params: How.

    Attributes:
        notes: What could not be had, a phrase each.
    """

    def __init__(self, model: LatentModel, params: TrainParams) -> None:
        self.notes: list[str] = []
        self._model = model
        self._dtype = getattr(torch, params.precision)
        self._channels_last = params.channels_last and len(model.spec.shape) == 3
        if params.channels_last and not self._channels_last:
            self._note("'train.channels_last' is for images, so that it changed nothing")
        if self._channels_last:
            model.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._loss: LossFunction = self._compiled() if params.compile else model.loss

    @contextmanager
    def learning(self) -> Iterator[LossFunction]:
        """Give the loss to be learned by, as long as the context lasts."""
        with layers_in(self._dtype, self._model.network):
            yield self._loss

    def laid_out(self, batch: Batch) -> Batch:
        """Return a batch in the layout that is asked for."""
        return replace(batch, x=batch.x.to(memory_format=torch.channels_last)) if self._channels_last else batch

    def _compiled(self) -> LossFunction:
        # A training has two sizes of batch, and code for each is faster than code for any.
        # Compiled loops have threads of their own, which on few cores stand in the way of those of matrix products.
        options: dict[str, Any] | None = {"cpp.threads": 1} if torch.get_num_threads() <= FEW_CORES else None
        compiled: LossFunction = torch.compile(self._model.loss, dynamic=False, options=options)
        works = True

        def attempt(batch: Batch, step: Step) -> Losses:
            nonlocal works
            if not works:
                return self._model.loss(batch, step)
            try:
                with compiled_draws_from(step.generator):
                    return compiled(batch, step)
            # The compiler, and the C++ compiler that it calls, fail in more ways than can be named.
            except Exception as error:  # noqa: BLE001
                losses = self._model.loss(batch, step)  # what is wrong with the model itself comes out here
                works = False
                self._note(f"torch.compile failed ({first_line(error)}), so that the loss was computed without it")
                return losses

        return attempt

    def _note(self, note: str) -> None:
        self.notes.append(note)
        log.warning(note)


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


def _autocast(module: nn.Module, dtype: torch.dtype) -> Callable[..., Tensor]:
    forward = module.forward

    @wraps(forward)
    def wrapped(*inputs: Tensor) -> Tensor:
        with torch.autocast(inputs[0].device.type, dtype):
            output: Tensor = forward(*inputs)
        return output.float()

    return wrapped
