"""Subjects of metrics: one class for each kind, the only place that knows how kinds differ.

Another kind of metric is a contract in :mod:`vaehub.core.metric`, a class here, and its place in ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from vaehub.core.errors import DataError, VaehubError
from vaehub.core.identity import Json
from vaehub.core.recipe import Component, Recipe
from vaehub.core.result import Result
from vaehub.hub.subject import Models, Subject, is_own
from vaehub.hub.views import Rows

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset
    from vaehub.core.metric import Metric, Runner
    from vaehub.core.model import LatentModel
    from vaehub.hub.refusals import Check
    from vaehub.store.records import MeasurementRecord


class TrainingSubject(Subject[Recipe]):
    """A trained model with its data."""

    kind = "model"
    name = "training"
    accepts = Recipe

    def key(self) -> Mapping[str, Json]:
        """Return the id of the training."""
        return {"training": self.what.id}

    @property
    def trainings(self) -> tuple[Recipe, ...]:
        """The training."""
        return (self.what,)

    @staticmethod
    def contract() -> type[Metric]:
        """Return the contract of metrics of models."""
        from vaehub.core.metric import ModelMetric

        return ModelMetric

    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return the model and its data."""
        return models.known(self.what)

    @staticmethod
    def refuse_unmet(needs: Check, model: LatentModel, data: Dataset) -> None:
        """Refuse a model or data that lack something."""
        needs.data(data)
        needs.model(model, data)


class RecipeSubject(Subject[Recipe]):
    """A recipe, which its metric trains as it is or varied."""

    kind = "recipe"
    name = "recipe"
    accepts = Recipe

    @classmethod
    def of(cls, given: object, metric: str) -> Self:
        """Return the subject of a recipe, unless its model is in memory and cannot be trained."""
        found = super().of(given, metric)
        if is_own(found.what):
            raise VaehubError(
                f"metric {metric!r} trains models with other parameters, and this one was handed over as it is; "
                "ask it of a recipe, whose network may be your own: 'vaehub describe own'"
            )
        return found

    def key(self) -> Mapping[str, Json]:
        """Return the identity of the recipe."""
        return {"recipe": self.what.identity()}

    @staticmethod
    def contract() -> type[Metric]:
        """Return the contract of metrics of recipes."""
        from vaehub.core.metric import RecipeMetric

        return RecipeMetric

    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return the recipe, its model with nothing learned, and its data."""
        return self.what, *models.untrained(self.what)

    @staticmethod
    def refuse_unmet(needs: Check, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse a recipe, its model or its data that lack something."""
        needs.recipe(recipe)
        needs.data(data)
        needs.model(model, data)

    def measure(self, metric: Metric, arguments: tuple[object, ...], runner: Runner) -> Result:
        """Return what a metric measures; it trains, and so keeps its gradients."""
        return metric.measure(arguments[0], runner)

    @classmethod
    def shown(cls, record: MeasurementRecord) -> str:
        """Return the names of the recipe."""
        recipe = cast(Mapping[str, Any], record.subject[cls.name])
        model, dataset, network = (recipe[component]["name"] for component in ("model", "dataset", "network"))
        return f"{model} on {dataset} with network {network}, seed {record.seed}"


class DatasetSubject(Subject[Component]):
    """A dataset."""

    kind = "dataset"
    name = "dataset"
    accepts = Component
    takes = "the name of a dataset, a path, or data in memory"
    of_data = True

    def key(self) -> Mapping[str, Json]:
        """Return the identity of the dataset."""
        return {"dataset": self.what.identity()}

    @staticmethod
    def contract() -> type[Metric]:
        """Return the contract of metrics of datasets."""
        from vaehub.core.metric import DatasetMetric

        return DatasetMetric

    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return the data."""
        return (models.dataset(self.what),)

    @staticmethod
    def refuse_unmet(needs: Check, data: Dataset) -> None:
        """Refuse data that lack something."""
        needs.data(data)

    @classmethod
    def shown(cls, record: MeasurementRecord) -> str:
        """Return the name of the dataset."""
        return f"dataset {cast(Mapping[str, Any], record.subject[cls.name])['name']}"


class PairSubject(Subject[tuple[Recipe, Recipe]]):
    """Two trained models, with the data of the first; beside a model of a user's own, with those it was given."""

    kind = "pair"
    name = "pair"
    accepts = tuple
    refusal = (
        "metric {metric!r} compares two trainings; ask 'vaehub compare A B --metric {metric}', with the ids of both"
    )
    takes = "two recipes, ids of trainings or models of your own (from vaehub.wrap), as a pair (a, b)"
    not_named = "a metric of pairs needs two trainings; give a pair of recipes or of ids, or 'vaehub compare A B'"
    not_in_grid = "compares two trainings"

    def key(self) -> Mapping[str, Json]:
        """Return the ids of both trainings."""
        return {"pair": [recipe.id for recipe in self.what]}

    @property
    def trainings(self) -> tuple[Recipe, ...]:
        """Both trainings."""
        return self.what

    @staticmethod
    def contract() -> type[Metric]:
        """Return the contract of metrics of pairs."""
        from vaehub.core.metric import PairMetric

        return PairMetric

    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return both models, and the data that they are compared on."""
        (a, data), (b, other) = map(models.known, self.what)
        one, two = self.what
        # A training has splits of its own data, and other data are those that were said for a user's model.
        has_same = one.dataset.identity() == two.dataset.identity()
        is_second = is_own(one) is not is_own(two) and is_own(one) is has_same
        return a, b, other if is_second else data

    @staticmethod
    def refuse_unmet(needs: Check, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models of observations of other shapes, and models or data that lack something."""
        if not a.spec.shape == b.spec.shape == data.spec.shape:
            raise DataError(
                f"two models are compared on the same observations: the first takes shape {a.spec.shape} and the "
                f"second {b.spec.shape}, and the data have {data.spec.shape}; compare models of one dataset"
            )
        needs.data(data)
        for model in (a, b):
            needs.model(model, data)


class TableSubject(Subject[Rows]):
    """The rows of a query."""

    kind = "rows"
    name = "rows"
    accepts = Rows
    refusal = (
        "metric {metric!r} measures the rows of a query; a study asks it, or Hub.measure({metric!r}, Hub.sql(...))"
    )
    takes = "the answer to a query, Hub.sql(…)"
    not_in_grid = "measures rows; name it in '[[analyses]]'"

    def key(self) -> Mapping[str, Json]:
        """Return a digest of the rows."""
        return {"rows": self.what.digest}

    @staticmethod
    def contract() -> type[Metric]:
        """Return the contract of metrics of rows."""
        from vaehub.core.metric import TableMetric

        return TableMetric

    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return the columns."""
        return (self.what.to_numpy(),)


KINDS: dict[str, type[Subject[Any]]] = {
    each.kind: each for each in (TrainingSubject, RecipeSubject, DatasetSubject, PairSubject, TableSubject)
}
"""The class of each kind, as manifests name it."""


def kind_of(name: str, metric: str) -> type[Subject[Any]]:
    """Return the class of a kind.

    Raises:
        VaehubError: If there is none.
    """
    if name not in KINDS:
        raise VaehubError(
            f"metric {metric!r} says that it measures {name!r}, which is none of {', '.join(KINDS)}; "
            "this is a fault of the package that brings it"
        )
    return KINDS[name]


def shown(record: MeasurementRecord) -> str:
    """Describe the subject of a stored measurement."""
    name = next(iter(record.subject))
    return next((kind.shown(record) for kind in KINDS.values() if kind.name == name), name)
