"""What metrics of recipes train and measure with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaehub.core.recipe import Recipe
from vaehub.core.result import Result
from vaehub.hub import requests
from vaehub.hub.requests import MeasurementRequest
from vaehub.hub.subjects import kind_of

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.runner import Runner


class RecipeRunner:
    """Implementation of :class:`vaehub.Runner` for metrics of recipes: a runner with the seed of one measurement.

    Args:
        runner: Trains and measures.
        seed: Of the metric that asks.
    """

    def __init__(self, runner: Runner, seed: int) -> None:
        self._runner = runner
        self._seed = seed

    def train(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe and its data, once it is trained."""
        trained = self._runner.trained(recipe)
        return trained.model, trained.data

    def data(self, recipe: Recipe) -> Dataset:
        """Return the data of a recipe."""
        return self._runner.builder.data_of(recipe)

    def measure(self, metric: str, subject: Recipe, **params: object) -> Result:
        """Return what another metric measures of the recipe, of its training or of its dataset."""
        runner = self._runner
        entry, component = requests.metric_of(runner.catalog, metric, params, runner.store.training_id)
        measured = kind_of(entry.subject, component.name).of_recipe(subject, component.name)
        return runner.measure(MeasurementRequest(component, measured, self._seed), force=False).result
