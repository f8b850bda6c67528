"""Representations: outputs of a model's layers, by name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaehub.analysis.calls import Call, program_kind, watching
from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.core.model import EVALUATION_BATCH, LatentModel
from vaehub.core.model import evaluating as evaluating

log = logging.getLogger(__name__)

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


class Pass(NamedTuple):
    """What one pass through a model gave.

    Attributes:
        layers: Representations by name, copies that nothing else writes to.
        remarks: Phrases about layers that cannot be measured, and about modules that are called more than once.
    """

    layers: dict[str, Tensor]
    remarks: tuple[str, ...]


def layer_names(model: LatentModel, data: Dataset) -> tuple[str, ...]:
    """Return the names of a model's layers, in the order in which an observation passes through them.

    ``input``; ``encoder_1``, ``encoder_2`` … after each non-linearity; ``mean``, ``variance`` (absent with a
    deterministic encoder) and ``sampled``; ``decoder_1`` …, the last of them the output before its non-linearity.
    A layer is a module with weights and all that follows it up to the next one: pooling, normalisation, non-linearity.
    The encoder's last layer is ``mean`` and ``variance``. A module that is called several times in one pass is a layer
    each time. Of a layer that gives several tensors, the first is taken: of an LSTM the outputs of all steps, of
    attention the attended values. The inside of TorchScript and ``torch.export`` programs has no layers; compiled
    modules have those of the plain ones. A layer whose rows are no observations has a number and no name here.

    Args:
        model: Any model, users' own included, if its layers are modules.
        data: At least one observation that the model accepts.
    """
    return tuple(_tried(model, data).layers)


def chosen_layers(model: LatentModel, data: Dataset, layers: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the given layers without duplicates, in the given order; of all layers if none are given.

    Raises:
        VaehubError: If a layer is unknown, or cannot be measured; the message lists the known ones.
    """
    return _chosen(_tried(model, data), layers)


def _chosen(tried: Pass, layers: Sequence[str]) -> tuple[str, ...]:
    known = tuple(tried.layers)
    if unknown := [name for name in layers if name not in known]:
        near = dict.fromkeys(each for name in unknown for each in get_close_matches(name, known, n=1))
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        remarks = "".join(f"; {remark}" for remark in tried.remarks)
        raise VaehubError(
            f"the model has no layer {', '.join(map(repr, unknown))}, it has {', '.join(known)}{hint}{remarks}"
        )
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
        WorkFailed: If a layer has NaN or infinite values, or some batch does not reach it.
    """
    tried = _tried(model, data)
    for remark in () if layers else tried.remarks:
        log.warning(remark)
    parts: dict[str, list[Tensor]] = {name: [] for name in _chosen(tried, layers)}
    for batch in data.to(model.device).batches(EVALUATION_BATCH):
        found = _pass(model, batch, generator).layers
        if missing := [name for name in parts if name not in found]:
            raise WorkFailed(
                f"the model passes {len(batch)} observations through other layers than it does two: "
                f"{', '.join(map(repr, missing))} is missing or its rows are no observations; nothing can be measured"
            )
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


def _tried(model: LatentModel, data: Dataset) -> Pass:
    batch = data.to(model.device).batch(slice(0, 2))
    with torch.no_grad(), evaluating(model):
        model.encode(batch)  # a wrapped model tries its modules out when it first sees data
    return _pass(model, batch, torch.Generator(device=model.device).manual_seed(0))


@torch.no_grad()
def _pass(model: LatentModel, batch: Batch, generator: torch.Generator) -> Pass:
    # What the model works on in place is copied before it does.
    found: dict[str, Tensor] = {INPUT: batch.x.clone()}
    remarks: list[str] = []
    with evaluating(model):
        with watching(model.network.encoder) as calls:
            posterior = model.encode(batch)
        # The encoder's last layer is mean and variance themselves.
        statistics = [each for each in (posterior.mu, posterior.logvar) if each is not None]
        inner = [call for call in _layers(calls) if not any(_are_same(call, each) for each in statistics)]
        named, said = _named("encoder", inner, len(batch))
        found |= named
        remarks += [*said, *_programs("encoder", model.network.encoder)]
        found[MEAN] = posterior.mu.clone()
        if posterior.logvar is not None:
            found[VARIANCE] = posterior.logvar.exp()
        z = posterior.sample(generator)
        found[SAMPLED] = z.clone()
        if model.decodes:
            with watching(model.network.decoder) as calls:
                model.decode(z.clone())
            named, said = _named("decoder", _layers(calls), len(batch))
            found |= named
            remarks += [*said, *_programs("decoder", model.network.decoder)]
    return Pass(found, tuple(remarks))


def _named(part: str, calls: Sequence[Call], n: int) -> tuple[dict[str, Tensor], list[str]]:
    """Return representations by name, and what is to be said of others and of modules that are called again."""
    found: dict[str, Tensor] = {}
    remarks: list[str] = []
    numbers: dict[str, list[str]] = {}
    for at, call in enumerate(calls, start=1):
        numbers.setdefault(call.name, []).append(name := f"{part}_{at}")
        if call.values.shape[:1] == (n,) and call.values.ndim > 1:
            found[name] = call.values
        else:
            remarks.append(
                f"layer {name!r}, of the module {call.name!r}, has shape {tuple(call.values.shape)} for {n} "
                "observations, so that its rows are no observations and it cannot be measured"
            )
    for module, names in numbers.items():
        if len(names) > 1:
            remarks.append(
                f"the module {module!r} of the {part} is called {len(names)} times in one pass, and each call is a "
                f"layer: {', '.join(names)}"
            )
    return found, remarks


def _programs(part: str, module: nn.Module) -> list[str]:
    kinds = dict.fromkeys(kind for each in module.modules() if (kind := program_kind(each)))
    return [f"the inside of {kind} programs, of which the {part} has some, has no layers" for kind in kinds]


def _are_same(call: Call, statistics: Tensor) -> bool:
    of_both = call.output.untyped_storage().data_ptr() == statistics.untyped_storage().data_ptr()
    return of_both or (call.values.shape == statistics.shape and torch.equal(call.values, statistics))


def _layers(calls: Sequence[Call]) -> list[Call]:
    """Return the call of each layer, with the output of the last module after it that computes."""
    found: list[Call] = []
    for call in calls:
        if call.has_weights:
            found.append(call)
        elif found and not isinstance(call.module, _MERELY_MOVES):
            found[-1] = found[-1]._replace(output=call.output, values=call.values)
    return found
