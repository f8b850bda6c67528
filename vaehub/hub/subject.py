"""The subject of a measurement: what every kind of it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from vaehub.core.errors import VaehubError, first_line
from vaehub.core.identity import Json
from vaehub.core.recipe import Component, Recipe
from vaehub.core.result import Result
from vaehub.hub.views import Rows
from vaehub.registry.places import package_of, place_of_error

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset
    from vaehub.core.metric import Metric, Runner
    from vaehub.core.model import LatentModel
    from vaehub.hub.refusals import Check
    from vaehub.store.records import MeasurementRecord

IN_MEMORY = "given in memory"
"""Stands for the distribution of what no plugin contributes."""
SHORT = 8
"""Characters of an id that people read."""

Given = Recipe | Component | tuple[Recipe, Recipe] | Rows
"""What a user hands over to be measured: a recipe, a dataset, a pair of recipes, or the answer to a query."""


def is_own(recipe: Recipe) -> bool:
    """Return whether a recipe stands for a model that was handed over in memory."""
    return recipe.model.distribution == IN_MEMORY


class Names(Protocol):
    """Resolves the names that a user gives."""

    def dataset_named(self, name: str) -> Component:
        """Return a dataset of the catalog, or a user's own where the name is a path."""

    def stored_recipe(self, prefix: str) -> Recipe:
        """Return the recipe of the training whose id begins so."""


class Models(Protocol):
    """Source of the arguments of metrics."""

    def dataset(self, component: Component) -> Dataset:
        """Return a dataset."""

    def untrained(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe with nothing learned, and its data."""

    def known(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe, trained if it is in the store and else with nothing learned, and its data."""


G = TypeVar("G", bound=Given)


@dataclass(frozen=True)
class Subject(ABC, Generic[G]):
    """The subject of one measurement.

    Attributes:
        what: As it was handed over.
        kind: As manifests say it.
        name: Key of its identity.
        accepts: Type of what is handed over.
        refusal: What is said of anything else, where ``{metric}`` stands for the metric.
        takes: What can be handed over, for a sentence.
        of_data: Whether it belongs to a dataset, and not to a recipe.
        not_named: Why one name does not name it; empty where it does.
        not_in_grid: Why a grid of a study cannot ask for it, to follow "it"; empty where it can.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    accepts: ClassVar[type]
    refusal: ClassVar[str] = "metric {metric!r} measures a {kind}, and was given something else"
    takes: ClassVar[str] = "a recipe, the id of a training, or a model of your own (from vaehub.wrap) with data=…"
    of_data: ClassVar[bool] = False
    not_named: ClassVar[str] = ""
    not_in_grid: ClassVar[str] = ""

    what: G

    @classmethod
    def of(cls, given: object, metric: str) -> Self:
        """Return the subject of what a user hands over.

        Raises:
            VaehubError: If the metric does not measure such a thing.
        """
        if not isinstance(given, cls.accepts):
            raise VaehubError(cls.refusal.format(metric=metric, kind=cls.kind))
        return cls(cast(G, given))

    @classmethod
    def of_recipe(cls, recipe: Recipe, metric: str) -> Self:
        """Return the subject of this kind that belongs to a recipe; raises as :meth:`of`."""
        return cls.of(recipe.dataset if cls.of_data else recipe, metric)

    @classmethod
    def named(cls, name: str, names: Names, metric: str) -> Self:
        """Return the subject that a user names; raises as :meth:`of`, or if there is none of this name."""
        if cls.not_named:
            raise VaehubError(cls.not_named)
        return cls.of(names.dataset_named(name) if cls.of_data else names.stored_recipe(name), metric)

    @classmethod
    def at_point(cls, recipe: Recipe | None, dataset: Component, metric: str) -> Self:
        """Return the subject at a point of a study's grid.

        Raises:
            VaehubError: If a grid cannot ask for it, or the point names no model and one is needed.
        """
        if cls.not_in_grid:
            raise VaehubError(f"metric {metric!r} is not one of a point of a grid: it {cls.not_in_grid}")
        given = dataset if cls.of_data else recipe
        if given is None:
            raise VaehubError(
                f"metric {metric!r} needs a model; add 'model = \"vae\"' to '[recipe]', or an axis 'model'"
            )
        return cls.of(given, metric)

    @abstractmethod
    def key(self) -> Mapping[str, Json]:
        """Return its identity, under its name."""

    @property
    def trainings(self) -> tuple[Recipe, ...]:
        """Trainings that are measured, which are made first."""
        return ()

    @staticmethod
    @abstractmethod
    def contract() -> type[Metric]:
        """Return the contract of the metrics that measure it."""

    @abstractmethod
    def arguments(self, models: Models) -> tuple[object, ...]:
        """Return the arguments of its metrics."""

    @staticmethod
    def refuse_unmet(needs: Check, *arguments: Any) -> None:
        """Refuse arguments that lack what a metric needs; by default nothing is needed."""

    def check(self, metric: Metric, models: Models) -> tuple[object, ...]:
        """Return what a metric is asked of, unless the metric refuses it.

        Raises:
            VaehubError: If it does, or fails to say.
        """
        # Brings torch along, which answers from the store do not need.
        from vaehub.hub.refusals import refuse

        found = self.arguments(models)
        try:
            refuse(metric, *found)
        except (VaehubError, KeyboardInterrupt):
            raise
        # A stranger's check runs here, and what it raises need be no Exception.
        except BaseException as error:
            place = place_of_error(error, [package_of(type(metric).__module__)])
            why = f"{type(error).__name__}: {first_line(error)}{place}"
            raise VaehubError(f"metric {metric.name!r} failed in its check, before any work: {why}") from error
        return found

    def measure(self, metric: Metric, arguments: tuple[object, ...], runner: Runner) -> Result:
        """Return what a metric measures; models are in evaluation mode, gradients off."""
        import torch

        with torch.no_grad():
            return metric.measure(*arguments)

    def result(self, metric: Metric, arguments: tuple[object, ...], runner: Runner) -> Result:
        """Return what a metric measures, as :meth:`measure` does, once it is seen to be a result.

        Raises:
            WorkFailed: If it is none.
        """
        from vaehub.core.model import LatentModel
        from vaehub.hub.answers import measured

        found = self.measure(metric, arguments, runner)
        models = arguments if self.trainings else ()
        latent_dims = frozenset(each.latent_dim for each in models if isinstance(each, LatentModel))
        return measured(found, metric, latent_dims or None)

    @classmethod
    def shown(cls, record: MeasurementRecord) -> str:
        """Describe the subject of a stored measurement."""
        if record.training is None:
            return cls.name
        both = f" and {record.other[:SHORT]}" if record.other else ""
        return f"training {record.training[:SHORT]}{both}, seed {record.seed}"
