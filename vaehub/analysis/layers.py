"""Representations: outputs of a model's layers, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.core.model import EVALUATION_BATCH, LatentModel, evaluating

INPUT, MEAN, VARIANCE, SAMPLED = "input", "mean", "variance", "sampled"

_MERELY_MOVES = (
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.Dropout,
    nn.ZeroPad2d,
    nn.Upsample,
    nn.PixelShuffle,
)
"""Modules without computation of their own, so that no layer ends with one."""


def layer_names(model: LatentModel, data: Dataset) -> tuple[str, ...]:
    """Return the names of a model's layers, in the order in which an observation passes through them.

    ``input``; ``encoder_1``, ``encoder_2`` … after each non-linearity; ``mean``, ``variance`` (absent with a
    deterministic encoder) and ``sampled``; ``decoder_1`` …, the last of them the output before its non-linearity.
    A layer is a module with weights and all that follows it up to the next one: pooling, normalisation, non-linearity.
    The encoder's last layer is ``mean`` and ``variance``.

    Args:
        model: Any model, users' own included, if its layers are modules.
        data: At least one observation that the model accepts.
    """
    batch = data.to(model.device).batch(slice(0, 2))
    with torch.no_grad(), evaluating(model):
        model.encode(batch)  # a wrapped model tries its modules out when it first sees data
    return tuple(_pass(model, batch, torch.Generator(device=model.device).manual_seed(0)))


def chosen_layers(model: LatentModel, data: Dataset, layers: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the given layers without duplicates, in the given order; of all layers if none are given.

    Raises:
        VaehubError: If a layer is unknown; the message lists the known ones.
    """
    known = layer_names(model, data)
    if unknown := [name for name in layers if name not in known]:
        near = dict.fromkeys(each for name in unknown for each in get_close_matches(name, known, n=1))
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise VaehubError(f"the model has no layer {', '.join(map(repr, unknown))}, it has {', '.join(known)}{hint}")
    return tuple(dict.fromkeys(layers)) or known


def representations(
    model: LatentModel, data: Dataset, *, layers: Sequence[str] = (), generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the representations of a whole dataset in some layers.

    Args:
        model: In any mode; representations are taken in evaluation mode.
        data: The observations.
        layers: Names as in :func:`layer_names`; all, if none are given.
        generator: Source of the noise in ``sampled`` and thus in the decoder's layers, on the model's device.

    Returns:
        For each name, an array ``(n, …)`` on the CPU, in the shape of the layer.

    Raises:
        VaehubError: If a layer is unknown; the message lists the known ones.
        WorkFailed: If a layer has NaN or infinite values.
    """
    parts: dict[str, list[Tensor]] = {name: [] for name in chosen_layers(model, data, layers)}
    for batch in data.to(model.device).batches(EVALUATION_BATCH):
        found = _pass(model, batch, generator)
        for name, values in parts.items():
            values.append(found[name].cpu())
    joined = {name: torch.cat(values) for name, values in parts.items()}
    for name, x in joined.items():
        if wrong := int((~x.flatten(1).isfinite()).any(dim=1).sum()):
            raise WorkFailed(
                f"the model gives NaN or infinite values for {wrong} of {len(x)} observations in the layer "
                f"{name!r}; nothing can be measured"
            )
    return joined


@torch.no_grad()
def _pass(model: LatentModel, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
    with evaluating(model):
        with _watching(model.network.encoder) as calls:
            posterior = model.encode(batch)
        # The encoder's last layer is mean and variance themselves.
        statistics = [each for each in (posterior.mu, posterior.logvar) if each is not None]
        inner = [values for values in _layers(calls) if not any(_are_same(values, each) for each in statistics)]
        found = {INPUT: batch.x} | {f"encoder_{at}": values for at, values in enumerate(inner, start=1)}
        found[MEAN] = posterior.mu
        if posterior.logvar is not None:
            found[VARIANCE] = posterior.logvar.exp()
        found[SAMPLED] = z = posterior.sample(generator)
        if model.decodes:
            with _watching(model.network.decoder) as calls:
                model.decode(z)
            found |= {f"decoder_{at}": values for at, values in enumerate(_layers(calls), start=1)}
    return found


@contextmanager
def _watching(module: nn.Module) -> Iterator[list[tuple[nn.Module, Tensor]]]:
    """Collect the outputs of a module's submodules, in the order in which they are called."""
    calls: list[tuple[nn.Module, Tensor]] = []

    def note(inner: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            calls.append((inner, output))

    with ExitStack() as hooks:
        for inner in module.modules():
            # The inside of a compiled program cannot be observed.
            if not any(True for _ in inner.children()) and not isinstance(inner, torch.jit.ScriptModule):
                hooks.callback(inner.register_forward_hook(note).remove)
        yield calls


def _are_same(values: Tensor, statistics: Tensor) -> bool:
    of_both = values.untyped_storage().data_ptr() == statistics.untyped_storage().data_ptr()
    return of_both or (values.shape == statistics.shape and torch.equal(values, statistics))


def _layers(calls: Sequence[tuple[nn.Module, Tensor]]) -> list[Tensor]:
    """Return the output of each layer: of its module with weights, or of the last module after it that computes."""
    found: list[Tensor] = []
    for module, output in calls:
        if any(weight.ndim >= 2 for weight in module.parameters(recurse=False)):
            found.append(output)
        elif found and not isinstance(module, _MERELY_MOVES):
            found[-1] = output
    return found
