"""Metrics: five small contracts that differ only in what they measure."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from numpy.typing import NDArray

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.data.size import advice_on_size
from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.core.model import EVALUATION_BATCH, LatentModel
from vaehub.core.needs import Needs
from vaehub.core.params import P_co, Parametrised, Params, SampleParams, SampleSize, SplitName, SplitParams
from vaehub.core.random import generator
from vaehub.core.recipe import Recipe
from vaehub.core.result import Result
from vaehub.core.sample import Observations, Sample, draw_observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FindModel = Callable[[str], LatentModel]
Extract = Callable[[Batch], torch.Tensor]
"""Gives features ``(n, n_features)`` of some observations, without gradients."""
FindExtractor = Callable[[Params, torch.device], Extract]

Columns = Mapping[str, NDArray[Any]]
"""Columns of equal length by name, the answer to a query: numbers, or text (dtype object)."""


class Metric(Parametrised[P_co], ABC):
    """What all metrics share: parameters, needs, a seed, and perhaps a plot. A plugin derives from one of five below.

    The type argument is the class of the parameters: ``class Relevance(ModelMetric[RelevanceParams])``. Before any
    work is done, the hub refuses what lacks one of the ``needs`` and calls ``check``; ``measure`` comes afterwards.

    Args:
        params: Validated parameters.
        seed: Decides all randomness of the measurement.
        models: Returns the model of a stored training.
        name: Name in the catalog; that of the class, if none is given.
        extractors: Returns the feature extractor of the catalog that parameters name.

    Attributes:
        computes_much: Whether several threads are worth it even where the network is small.
    """

    computes_much: ClassVar[bool] = False

    def __init__(
        self,
        params: P_co,
        seed: int = 0,
        models: FindModel | None = None,
        name: str | None = None,
        extractors: FindExtractor | None = None,
    ) -> None:
        self.params = params
        self.seed = seed
        self.name = name or re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
        self._models = models
        self._extractors = extractors

    @property
    def needs(self) -> Needs:
        """What has to be there: set as ``needs = Needs(...)``, or as a property where it depends on parameters."""
        return Needs()

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Refuse what is asked for a reason of this metric alone, once all its needs are met; by default nothing.

        Each kind of metric has its own arguments.

        Raises:
            VaehubError: If the measurement could not succeed; says what would.
        """

    @abstractmethod
    def measure(self, *args: Any, **kwargs: Any) -> Result:
        """Return the result; each kind of metric has its own arguments."""

    def draw_observations(
        self,
        data: Dataset,
        n: SampleSize | None = None,
        *,
        split: SplitName | None = None,
        ascending: bool = True,
        purpose: str | None = None,
    ) -> Observations:
        """Return observations drawn without replacement, always the same for the same seed.

        Args:
            data: With its splits.
            n: How many; the parameter ``n_samples`` if not given. All there are, if the split has fewer.
            split: Which split; the parameter ``split`` if not given.
            ascending: Sort them by row, else leave them in the order in which they were drawn.
            purpose: Tells draws apart, if a metric makes several.
        """
        if n is None:
            n = self.params.n_samples if isinstance(self.params, SampleParams) else "all"
        if split is None:
            split = self.params.split if isinstance(self.params, SplitParams) else "all"
        return draw_observations(data, split, n, self.generator(*_stream("rows", purpose)), ascending=ascending)

    def encode(self, model: LatentModel, seen: Observations, *, purpose: str | None = None) -> Sample:
        """Return observations as a model encodes them; draws of z are the same for the same seed and purpose.

        Raises:
            WorkFailed: If a mean or variance is NaN or infinite; says how to scale the observations if they are large.
        """
        noise = partial(self.generator, *_stream("noise", purpose))
        posterior = model.encode_all(seen.data)
        try:
            return Sample(seen.rows, seen.data, posterior.checked(), noise)
        except WorkFailed as error:
            advice = advice_on_size(seen.data.batch(slice(0, EVALUATION_BATCH)).x)
            if advice is None:
                raise
            raise WorkFailed(f"{error}; {advice}") from error

    def draw(
        self,
        model: LatentModel,
        data: Dataset,
        n: SampleSize | None = None,
        *,
        split: SplitName | None = None,
        ascending: bool = True,
        purpose: str | None = None,
    ) -> Sample:
        """Return observations as :meth:`draw_observations`, encoded."""
        seen = self.draw_observations(data, n, split=split, ascending=ascending, purpose=purpose)
        return self.encode(model, seen, purpose=purpose)

    def model_of(self, training: str) -> LatentModel:
        """Return the model of a stored training, in evaluation mode, for a parameter that names one.

        Such a parameter is declared as ``Annotated[str | None, StoredTraining()]``; the value is the whole id.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        if self._models is None:
            raise VaehubError(f"training {training!r} is looked for in a store, and this metric was made without one")
        return self._models(training)

    def feature_extractor(self, params: Params, device: torch.device) -> Extract:
        """Return what makes the features that parameters name.

        Args:
            params: Derived from :class:`vaehub.features.FeatureParams`.
            device: Where networks are put, but for that of a training, which stays where it is.

        Raises:
            VaehubError: If weights, a training or a module cannot be had, now; or if the extractor does not take the
                observations, or gives no features, when it is used.
        """
        if self._extractors is None:
            raise VaehubError("features are looked for in the catalog, and this metric was made without one")
        return self._extractors(params, device)

    def generator(self, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
        """Return a fresh generator, always the same for the same seed and purpose."""
        return generator(self.seed, "measurement", *purpose, device=device)

    def plot(self, result: Result) -> Figure | None:
        """Return a plot of stored values; ``None`` if the metric has none."""
        return None


def _stream(name: str, purpose: str | None) -> tuple[str, ...]:
    return (name,) if purpose is None else (name, purpose)


class DatasetMetric(Metric[P_co]):
    """Measures a dataset."""

    def check(self, data: Dataset) -> None:
        """Refuse data, as :meth:`Metric.check`."""

    @abstractmethod
    def measure(self, data: Dataset) -> Result:
        """Return what was measured of the data."""


class ModelMetric(Metric[P_co]):
    """Measures a trained model on data."""

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model, perhaps an untrained one, or its data, as :meth:`Metric.check`."""

    @abstractmethod
    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return what was measured.

        Args:
            model: In evaluation mode, gradients off.
            data: What the model was trained on, with its splits: ``train``, ``validation`` and, if official, ``test``.
        """


class PairMetric(Metric[P_co]):
    """Compares two trained models on the same data."""

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models, perhaps untrained ones, or the data of the first, as :meth:`Metric.check`."""

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


class RecipeMetric(Metric[P_co]):
    """Measures a recipe by training it, as it is or varied."""

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse a recipe, given its untrained model and its data, as :meth:`Metric.check`."""

    @abstractmethod
    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return what was measured.

        Args:
            recipe: Where to start from; ``recipe.vary(...)`` makes others.
            runner: Trains recipes and measures them: ``model, data = runner.train(recipe)``.
        """


class TableMetric(Metric[P_co]):
    """Measures the answer to a query: a statistic over the results of a study, or over those of a whole store."""

    def check(self, rows: Columns) -> None:
        """Refuse the rows of a query, as :meth:`Metric.check`."""

    @abstractmethod
    def measure(self, rows: Columns) -> Result:
        """Return what was measured of the rows."""
