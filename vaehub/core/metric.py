"""Metrics: four small contracts that differ only in what they measure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from vaehub.core.data import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.params import Params as AnyParams
from vaehub.core.random import generator
from vaehub.core.recipe import Recipe
from vaehub.core.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Metric(ABC):
    """What all metrics share: parameters, a seed, and perhaps a picture. A plugin derives from one of the four below.

    Args:
        params: Validated parameters.
        seed: Decides all randomness of the measurement.
    """

    Params = AnyParams
    params: AnyParams

    def __init__(self, params: AnyParams, seed: int = 0) -> None:
        self.params = params
        self.seed = seed

    def generator(self, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
        """Return a fresh generator, always the same for the same seed and purpose."""
        return generator(self.seed, "measurement", *purpose, device=device)

    def plot(self, result: Result) -> Figure | None:
        """Return a picture of what was measured, made from stored values alone; ``None`` if the metric has none."""
        return None


class DatasetMetric(Metric):
    """Measures a dataset."""

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

    @abstractmethod
    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return what was measured; both models are in evaluation mode, gradients off."""


class RecipeMetric(Metric):
    """Measures a recipe by training it, as it is or varied."""

    @abstractmethod
    def measure(self, recipe: Recipe, train: Callable[[Recipe], tuple[LatentModel, Dataset]]) -> Result:
        """Return what was measured.

        Args:
            recipe: Where to start from; ``recipe.vary(...)`` makes others.
            train: Carries a recipe out, or takes the training from the store, and returns the model and its data.
        """
