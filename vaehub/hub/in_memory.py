"""Models and data in memory, as recipes whose identity is a digest of their content."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from itertools import chain
from uuid import uuid4

import torch
from torch import Tensor

from vaehub.adapters.code_identity import module_identity
from vaehub.adapters.code_walk import NotIdentified
from vaehub.adapters.user_model import Wrapped
from vaehub.core.data.dataset import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.params import ModelParams, Params
from vaehub.core.recipe import Component, Recipe, TrainParams
from vaehub.hub.subjects import IN_MEMORY

log = logging.getLogger(__name__)

AT_ONCE = 4096
"""Observations that are digested together."""


class InMemoryModel(ModelParams):
    """Identity of a model in memory: its weights, its settings and the code that it runs."""

    content: str
    likelihood: str | None = None
    output: str | None = None


class InMemoryData(Params):
    """Identity of data in memory."""

    content: str


def dataset_component(data: Dataset) -> Component:
    """Return a dataset in memory as a component of a recipe."""
    # One piece after the other, for data on demand do not fit in memory.
    observations = (batch.x for batch in data.batches(AT_ONCE))
    known = [data.labels, None if data.factors is None else data.factors.classes, *data.splits.values()]
    content = digest_of(chain(observations, (each for each in known if each is not None)), str(data.spec))
    return Component("data", IN_MEMORY, 1, InMemoryData(content=content))


def recipe_of_model(model: LatentModel, dataset: Component) -> Recipe:
    """Return a recipe of no epochs for a model that is trained already."""
    more = {}
    if isinstance(model, Wrapped):
        more = {"likelihood": model.params.likelihood, "output": model.output}  # type: ignore[attr-defined]
    params = InMemoryModel(latent_dim=model.latent_dim, content=_content(model), **more)
    name = model.name if isinstance(model, Wrapped) else type(model).__name__.lower()
    return Recipe(
        model=Component(name, IN_MEMORY, 1, params),
        network=Component(name, IN_MEMORY, 1, Params()),
        dataset=dataset,
        train=TrainParams(epochs=0),
        seed=0,
    )


def _content(model: LatentModel) -> str:
    """Return what identifies a model; what nobody can look at is another one each time it is handed over."""
    try:
        return module_identity(model)
    except NotIdentified as error:
        log.warning("nothing that is stored of this model is used again: %s", error)
        return f"once {uuid4().hex}"


def digest_of(tensors: Iterable[Tensor], description: str) -> str:
    """Return a digest of values, shapes and types, and of a description."""
    digest = hashlib.blake2b(description.encode(), digest_size=12)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
