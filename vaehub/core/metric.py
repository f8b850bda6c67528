"""Metrics: five small contracts that differ only in what they measure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch

from vaehub.core.columns import Columns
from vaehub.core.data import Dataset
from vaehub.core.errors import VaehubError
from vaehub.core.model import LatentModel
from vaehub.core.params import Params as AnyParams
from vaehub.core.random import generator
from vaehub.core.recipe import Recipe
from vaehub.core.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FindModel = Callable[[str], LatentModel]


class Metric(ABC):
    """What all metrics share: parameters, a seed, and perhaps a picture. A plugin derives from one of the five below.

    Args:
        params: Validated parameters.
        seed: Decides all randomness of the measurement.
        models: Returns the model of a stored training.
    """

    Params: ClassVar[type[AnyParams]] = AnyParams
    params: AnyParams

    def __init__(self, params: AnyParams, seed: int = 0, models: FindModel | None = None) -> None:
        self.params = params
        self.seed = seed
        self._models = models

    def model_of(self, training: str) -> LatentModel:
        """Return the model of a stored training, in evaluation mode, for a parameter that names one.

        Such a parameter is declared as ``Annotated[str | None, StoredTraining()]``; the value is the whole id.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        if self._models is None:
            raise VaehubError(f"training {training!r} is looked for in a store, and this metric was made without one")
        return self._models(training)

    def generator(self, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
        """Return a fresh generator, always the same for the same seed and purpose."""
        return generator(self.seed, "measurement", *purpose, device=device)

    def plot(self, result: Result) -> Figure | None:
        """Return a picture of what was measured, made from stored values alone; ``None`` if the metric has none."""
        return None


class DatasetMetric(Metric):
    """Measures a dataset."""

    def check(self, data: Dataset) -> None:
        """Refuse data that this metric cannot be asked of.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, data: Dataset) -> Result:
        """Return what was measured of the data."""


class ModelMetric(Metric):
    """Measures a trained model on data."""

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model or data that this metric cannot be asked of; called before the model is trained.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return what was measured.

        Args:
            model: In evaluation mode, gradients off.
            data: What the model was trained on, with its parts ``train``, ``validation`` and, where official, ``test``.
        """


class PairMetric(Metric):
    """Compares two trained models on the same data."""

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models or data that this metric cannot be asked of; called before either model is trained.

        Args:
            a: The first model, perhaps with nothing learned.
            b: The second.
            data: That of the first, with its parts.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return what was measured; both models are in evaluation mode, gradients off."""


class Runner(Protocol):
    """Trains recipes and measures them for a metric of recipes, or takes both from the store.

    Both are recorded as if a user had asked, so that a measurement that was interrupted goes on where it was.
    """

    def train(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe, in evaluation mode, and its data, once it is trained.

        The model is remembered for what is measured next: measure it, and change nothing of it.

        Raises:
            VaehubError: If the recipe cannot be carried out.
            WorkFailed: If the training fails.
        """

    def data(self, recipe: Recipe) -> Dataset:
        """Return the data of a recipe, with its part for validation set aside.

        Raises:
            DataError: If they cannot be had.
        """

    def measure(self, metric: str, subject: Recipe, **params: object) -> Result:
        """Return what another metric measures of the recipe, of its training or of its dataset.

        Args:
            metric: Name in the catalog.
            subject: The recipe.
            params: The metric's parameters; the seed is that of the metric which asks.

        Raises:
            VaehubError: If there is no such metric, or it cannot be asked of this.
            WorkFailed: If the measurement, or the training that it needs, fails.
        """


class RecipeMetric(Metric):
    """Measures a recipe by training it, as it is or varied."""

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse a recipe that this metric cannot be asked of; called before anything is trained.

        Args:
            recipe: Where the measurement would start from.
            model: Its model, with nothing learned.
            data: Its data.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return what was measured.

        Args:
            recipe: Where to start from; ``recipe.vary(...)`` makes others.
            runner: Trains recipes and measures them: ``model, data = runner.train(recipe)``.
        """


class RowsMetric(Metric):
    """Measures the answer to a query: a statistic over the results of a study, or over those of a whole store."""

    def check(self, rows: Columns) -> None:
        """Refuse rows that this metric cannot be asked of.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, rows: Columns) -> Result:
        """Return what was measured of the rows."""
