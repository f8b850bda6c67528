"""Models and data in memory, as recipes whose identity is a digest of their content."""

from __future__ import annotations

import logging
from itertools import chain
from typing import Annotated, Any
from uuid import uuid4

from torch import nn

from vaehub.adapters.code_identity import module_identity
from vaehub.adapters.code_walk import NotIdentified
from vaehub.adapters.user_model import Wrapped
from vaehub.analysis.model_state import digest_of
from vaehub.core.data.dataset import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.params import Field, Incidental, ModelParams, Params
from vaehub.core.recipe import Component, Recipe, TrainParams
from vaehub.hub.data_copies import InMemoryData
from vaehub.hub.subject import IN_MEMORY

log = logging.getLogger(__name__)

AT_ONCE = 4096
"""Observations that are digested together."""


class InMemoryModel(ModelParams):
    """Identity of a model in memory: its weights, its settings and the code that it runs.

    Attributes:
        content: Digest of weights, settings and code.
        reading: How it is given data, and how what it gives is read.
        latent_shape: Shape of an observation's latents, where they were flattened.
        origin: Arguments that make it again in another process, if it has an import path.
    """

    content: str
    reading: dict[str, str] = Field(default_factory=dict)
    latent_shape: tuple[int, ...] | None = None
    origin: Annotated[dict[str, str | None] | None, Incidental()] = None


def dataset_component(data: Dataset) -> Component:
    """Return a dataset in memory as a component of a recipe."""
    # One piece after the other, for data on demand do not fit in memory.
    observations = (batch.x for batch in data.batches(AT_ONCE))
    known = [data.labels, None if data.factors is None else data.factors.classes, *data.splits.values()]
    content = digest_of(chain(observations, (each for each in known if each is not None)), _description(data))
    return Component(data.name, IN_MEMORY, 1, InMemoryData(content=content))


def _description(data: Dataset) -> str:
    """Describe all of data but their numbers: what splits and factors are called decides numbers too."""
    names = [] if data.factors is None else [data.factors.names, data.factors.values]
    return " ".join(map(str, [data.spec, *names, *([list(data.splits)] if data.splits else [])]))


def recipe_of_model(model: LatentModel, content: str, dataset: Component) -> Recipe:
    """Return a recipe of no epochs for a model that is trained already.

    Args:
        model: The model, which knows its number of latents.
        content: What :func:`content_of` says of it.
        dataset: Data that it is measured on.
    """
    more: dict[str, Any] = {}
    if isinstance(model, Wrapped):
        shape = model.latent_shape
        more = {"reading": model.identity(), "latent_shape": None if len(shape) == 1 else shape}
        more["origin"] = model.origin
    params = InMemoryModel(latent_dim=model.latent_dim, content=content, **more)
    name = model.name if isinstance(model, Wrapped) else type(model).__name__.lower()
    return Recipe(
        model=Component(name, IN_MEMORY, 1, params),
        network=Component(name, IN_MEMORY, 1, Params()),
        dataset=dataset,
        train=TrainParams(epochs=0),
        seed=0,
    )


def content_of(model: LatentModel) -> str:
    """Return what identifies a model; what nobody can look at is another one each time it is handed over.

    It is asked before the model runs, which may change what it holds.
    """
    module: nn.Module = model.users_own if isinstance(model, Wrapped) else model
    try:
        return module_identity(module)
    except NotIdentified as error:
        log.warning("nothing that is stored of this model is used again: %s", error)
        return f"once {uuid4().hex}"
