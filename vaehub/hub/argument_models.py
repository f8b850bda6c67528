"""Models and data that metrics are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.core.recipe import Component, Recipe
    from vaehub.hub.builder import Builder
    from vaehub.store.records import TrainingRecord


@dataclass(frozen=True)
class ArgumentModels:
    """Sources of the arguments of metrics; see :class:`vaehub.hub.subject.Models`.

    Attributes:
        builder: Makes them.
        done: Records of trainings that are in the store, by id.
        built: Models with nothing learned and their data, of trainings that are about to be made.
    """

    builder: Builder
    done: Mapping[str, TrainingRecord] = field(default_factory=dict)
    built: Mapping[str, tuple[LatentModel, Dataset]] = field(default_factory=dict)

    def dataset(self, component: Component) -> Dataset:
        """Return a dataset."""
        return self.builder.load(component)

    def untrained(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe with nothing learned, and its data."""
        data = self.builder.data_of(recipe)
        return self.builder.build(recipe, data), data

    def known(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe, trained if it is in the store and else with nothing learned, and its data."""
        if recipe.id in self.built:
            return self.built[recipe.id]
        if recipe.id not in self.done:
            return self.untrained(recipe)
        trained = self.builder.trained(recipe, self.done[recipe.id])
        return trained.model, trained.data
