"""Models and data that a notebook hands over, as recipes with an identity: what they hold decides it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain

import torch
from torch import Tensor

from vaehub.core.data import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.params import ModelParams, Params
from vaehub.core.recipe import Part, Recipe, TrainParams
from vaehub.core.wrapped import Wrapped
from vaehub.hub.requests import GIVEN

AT_ONCE = 4096
"""Observations that are digested together."""


class GivenModel(ModelParams):
    """What tells a model that was handed over from others: weights and modules; not the code of their methods."""

    content: str
    likelihood: str | None = None
    output: str | None = None


class GivenData(Params):
    """What tells data that were handed over from others."""

    content: str


def given_data(data: Dataset) -> Part:
    """Return a dataset as a part of a recipe."""
    # One piece after the other, for data on demand do not fit in memory.
    observations = (batch.x for batch in data.batches(AT_ONCE))
    known = [data.labels, None if data.factors is None else data.factors.classes, *data.parts.values()]
    content = _digest(chain(observations, (each for each in known if each is not None)), str(data.spec))
    return Part("data", GIVEN, 1, GivenData(content=content))


def given_recipe(model: LatentModel, dataset: Part) -> Recipe:
    """Return the recipe of a model that nothing is to be taught."""
    weights = [value for _, value in sorted(model.state_dict().items())]
    more = {}
    if isinstance(model, Wrapped):
        more = {"likelihood": model.params.likelihood, "output": model.output}  # type: ignore[attr-defined]
    params = GivenModel(latent_dim=model.latent_dim, content=_digest(weights, repr(model)), **more)
    name = model.name if isinstance(model, Wrapped) else type(model).__name__.lower()
    return Recipe(
        model=Part(name, GIVEN, 1, params),
        network=Part(name, GIVEN, 1, Params()),
        dataset=dataset,
        train=TrainParams(epochs=0),
        seed=0,
    )


def _digest(tensors: Iterable[Tensor], description: str) -> str:
    digest = hashlib.blake2b(description.encode(), digest_size=12)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
