"""How the steps of a training are computed: number format, memory layout, compilation."""

from __future__ import annotations

import copy
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
"""Number of cores up to which compiled loops get one thread: 1.2 times as fast on two cores."""

LossFunction = Callable[[Batch, Step], Losses]


class Precision:
    """Applies ``train.precision``, ``train.channels_last`` and ``train.compile``.

    Each can change the last digits of every number, but not its meaning.

    Args:
        model: The model to train; its weights change to channels-last layout if requested, before optimisers see them.
        params: How to train.

    Attributes:
        notes: Options that had no effect, one phrase each.
    """

    def __init__(self, model: LatentModel, params: TrainParams) -> None:
        self.notes: list[str] = []
        self._model = model
        self._dtype = getattr(torch, params.precision)
        self._channels_last = params.channels_last and len(model.spec.shape) == 3
        if params.channels_last and not self._channels_last:
            self._note("'train.channels_last' is for images, so it had no effect")
        if self._channels_last:
            model.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._loss: LossFunction = self._compiled() if params.compile else model.loss

    @contextmanager
    def learning(self) -> Iterator[LossFunction]:
        """Yield the loss function, with the layers in the chosen precision inside the context."""
        with layers_in(self._dtype, self._model.network):
            yield self._loss

    def copied(self) -> LatentModel:
        """Return a copy of the model, inside of :meth:`learning`, whose layers compute in single precision."""
        found = copy.deepcopy(self._model)
        if self._dtype != torch.float32:
            for module in (found.network.encoder, found.network.decoder):
                # Set on the module itself by `layers_in`, and copied as it is: it would call the module it was set on.
                del module.forward
        return found

    def laid_out(self, batch: Batch) -> Batch:
        """Return a batch in the chosen memory layout."""
        return replace(batch, x=batch.x.to(memory_format=torch.channels_last)) if self._channels_last else batch

    def _compiled(self) -> LossFunction:
        # A training has two batch sizes, and code for each is faster than code for any size.
        # Compiled loops have threads of their own, which on few cores compete with those of matrix products.
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
            # The compiler, and the C++ compiler that it calls, can raise any exception.
            except Exception as error:  # noqa: BLE001
                losses = self._model.loss(batch, step)  # raises if the model itself is at fault
                works = False
                self._note(f"torch.compile failed ({first_line(error)}), so the loss was computed without it")
                return losses

        return attempt

    def _note(self, note: str) -> None:
        self.notes.append(note)
        log.warning(note)


@contextmanager
def layers_in(dtype: torch.dtype, network: Network) -> Iterator[None]:
    """Let a network's encoder and decoder compute in another format inside the context and return float32.

    Only matrix products and convolutions change, as :class:`torch.autocast` decides: weights, their gradients and
    everything that an objective computes from the network's output stay in float32. Products of bfloat16 have 8 bits
    of precision and the range of float32, so that losses need no scaling.
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
