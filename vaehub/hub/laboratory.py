"""Where a metric of recipes has trainings and other measurements made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaehub.core.recipe import Recipe
from vaehub.core.result import Result
from vaehub.hub import requests

if TYPE_CHECKING:
    from vaehub.core.data import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.runner import Worker


class Laboratory:
    """A worker with the seed of one measurement, as :class:`vaehub.Laboratory` promises it.

    Args:
        worker: Who does the work.
        seed: Of the metric that asks.
    """

    def __init__(self, worker: Worker, seed: int) -> None:
        self._worker = worker
        self._seed = seed

    def __call__(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe and its data, once it is trained."""
        trained = self._worker.trained(recipe)
        return trained.model, trained.data

    def data(self, recipe: Recipe) -> Dataset:
        """Return the data of a recipe."""
        return self._worker.data_of(recipe)

    def measure(self, metric: str, subject: Recipe, **params: object) -> Result:
        """Return what another metric measures of the recipe, of its training or of its dataset."""
        worker = self._worker
        entry, part = requests.metric_of(worker.catalog, metric, params, worker.store.training_id)
        measured = subject.dataset if entry.subject == "dataset" else subject
        request = requests.measurement_of(entry.subject, part, measured, self._seed)
        return worker.measured(request, measured, force=False).result
