"""What a metric of recipes has: trainings and other measurements, made or taken from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaehub.core.recipe import Recipe
from vaehub.core.result import Result
from vaehub.hub import requests

if TYPE_CHECKING:
    from vaehub.core.data import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.runner import Runner


class RecipeRunner:
    """A runner with the seed of one measurement, as :class:`vaehub.Runner` promises it.

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
        return self._runner.data_of(recipe)

    def measure(self, metric: str, subject: Recipe, **params: object) -> Result:
        """Return what another metric measures of the recipe, of its training or of its dataset."""
        runner = self._runner
        entry, part = requests.metric_of(runner.catalog, metric, params, runner.store.training_id)
        measured = subject.dataset if entry.subject == "dataset" else subject
        request = requests.measurement_of(entry.subject, part, measured, self._seed)
        return runner.measured(request, measured, force=False).result
