"""What users hand to ``Hub``, as recipes and components: names and paths, data and models in memory, ids."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from vaehub.core.errors import VaehubError, described
from vaehub.core.params import parse
from vaehub.core.recipe import Component, Recipe
from vaehub.hub import requests
from vaehub.hub.arguments import mapping_of
from vaehub.hub.data_copies import InMemoryData
from vaehub.hub.subject import IN_MEMORY, Subject
from vaehub.hub.views import Rows
from vaehub.registry.catalog import Catalog
from vaehub.store.failures import gone
from vaehub.store.records import TrainingRecord

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.runner import Runner

NOTHING_TO_SAY = "data are named for a model of your own; a recipe and a training have theirs"


class Inputs:
    """Resolves what users hand over.

    Args:
        catalog: Where names are looked up.
        runner: Where data and models in memory are kept, and stored trainings found.
    """

    def __init__(self, catalog: Catalog, runner: Runner) -> None:
        self._catalog = catalog
        self._runner = runner

    # Data

    def dataset(self, given: object, settings: object = None) -> Component:
        """Return the component of a dataset: of a name or a path, or of data in memory, of which a copy is kept.

        Args:
            given: A text, a path, or whatever :func:`vaehub.adapters.as_dataset` reads.
            settings: Parameters of the data.

        Raises:
            VaehubError: If there is no such dataset, or the data cannot be read.
        """
        params = mapping_of(settings or {}, '{"subset": 1000}')
        if given is None:
            raise VaehubError(
                "data are None; name a dataset or a path, or hand over an array, a frame, a torch Dataset"
            )
        if isinstance(given, str | PathLike):
            return requests.dataset_of(self._catalog, given, params)
        if isinstance(given, Component):
            if params:
                raise VaehubError(f"dataset {given.name!r} has its parameters already; name it to give it others")
            return given
        return self._runner.builder.copies.keep(self._in_memory(given, params))

    def data(self, given: object, settings: object = None) -> Dataset:
        """Return the data of a name or a path, or data in memory, as a dataset; raises as :meth:`dataset`."""
        if given is None or isinstance(given, str | PathLike | Component):
            return self._runner.builder.load(self.dataset(given, settings))
        return self._in_memory(given, mapping_of(settings or {}, '{"subset": 1000}'))

    def _in_memory(self, given: object, params: Mapping[str, object]) -> Dataset:
        # Brings torch along.
        from vaehub.adapters.data import as_dataset
        from vaehub.core.data.params import ImageParams
        from vaehub.files.prepare import prepare

        chosen = parse(ImageParams, params, owner="data in memory")
        data = as_dataset(given)
        return prepare(data, chosen) if params else data

    # Trainings and models

    def stored_recipe(self, prefix: str) -> Recipe:
        """Return the recipe of a stored training.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        return requests.restored_recipe(self._catalog, self.training(prefix).recipe)

    def training(self, prefix: str) -> TrainingRecord:
        """Return a stored training by the beginning of its id.

        Raises:
            VaehubError: If there is none.
        """
        store = self._runner.store
        with store.session() as session:
            found = store.training_id(prefix)
            record = session.trainings([found]).get(found)
        if record is None:
            raise gone("training", found)
        return record

    def dataset_named(self, name: str) -> Component:
        """Return a dataset of the catalog, or a user's own where the name is a path; raises as :meth:`dataset`."""
        return self.dataset(name)

    def model(self, model: object, data: object) -> Recipe:
        """Take a user's model into the store, and return the recipe to measure it by.

        Raises:
            VaehubError: If there are no data, or the model does not fit them.
        """
        if data is None:
            raise VaehubError("a model of your own is measured on data; say which: data='mnist', or a Dataset")
        return self._runner.adopt(_latent_model(model), self.dataset(data))

    # Subjects

    def subject(self, kind: type[Subject[Any]], given: object, data: object, metric: str) -> Subject[Any]:
        """Return the subject of a measurement.

        Args:
            kind: What the metric measures.
            given: A recipe, the id of a training, a model of the user's own, data, a pair, or rows of a query.
            data: What a model of the user's own is measured on.
            metric: Name of the metric, for messages.

        Raises:
            VaehubError: If the metric does not measure such a thing, or data are missing or needless.
        """
        if isinstance(given, tuple | list) and kind.accepts is tuple:
            return kind.of(self.pair(given, data), metric)
        # A model is put into the store by this, which is no use if the metric measures something else.
        if _is_model(given) and kind.accepts is Recipe:
            return kind.of(self.model(given, data), metric)
        if isinstance(given, TrainingRecord):
            given = given.id
        if isinstance(given, str):
            found: Subject[Any] = kind.named(given, self, metric)
            return self._on_its_own_data(found, data)
        if isinstance(given, Recipe | Component | Rows):
            return self._on_its_own_data(kind.of(given, metric), data)
        if kind.of_data and not _is_model(given):
            return self._on_its_own_data(kind.of(self.dataset(given), metric), data)
        raise VaehubError(
            f"metric {metric!r} measures a {kind.kind}, and {described(given)} was given; give {kind.takes}"
        )

    def _on_its_own_data(self, subject: Subject[Any], data: object) -> Subject[Any]:
        """Return a subject that has its data; those in memory may be handed over again."""
        if data is None:
            return subject
        given = subject.what
        self._hand_over_again([given] if isinstance(given, Recipe) else [], data)
        return subject

    def pair(self, given: object, data: object = None) -> tuple[Recipe, Recipe]:
        """Return the recipes of a pair: recipes, ids of trainings, and models of the user's own, in any combination.

        Args:
            given: Two of them.
            data: What models of the user's own are compared on; beside a training, its data if not given.

        Raises:
            VaehubError: If they are no pair, or data are missing or needless.
        """
        items = list(given) if isinstance(given, tuple | list) else [given]
        if len(items) != 2:
            raise VaehubError(f"a pair is two trainings or models, (a, b), and {len(items)} were given")
        recipes = [None if _is_model(each) else self.recipe(each) for each in items]
        known = [each for each in recipes if each is not None]
        if len(known) == 2:
            if data is not None:
                self._hand_over_again(known, data)
            return known[0], known[1]
        if data is None and not known:
            raise VaehubError("two models of your own are compared on data; say which: data='mnist', or a Dataset")
        # Beside a training the data are its own, unless others are said.
        dataset = self.dataset(data) if data is not None else known[0].dataset
        one, other = (
            self._runner.adopt(_latent_model(item), dataset) if recipe is None else recipe
            for item, recipe in zip(items, recipes, strict=True)
        )
        return one, other

    def recipe(self, given: object) -> Recipe:
        """Return a recipe that was handed over, or that of a stored training.

        Raises:
            VaehubError: If it is neither, or there is no such training.
        """
        if isinstance(given, TrainingRecord):
            given = given.id
        if isinstance(given, str):
            return self.stored_recipe(given)
        if not isinstance(given, Recipe):
            raise VaehubError(
                f"a recipe or the id of a training was expected, and {described(given)} was given; "
                "Hub.recipe makes a recipe, and vaehub.wrap a model of your own that can be measured and compared"
            )
        return given

    def _hand_over_again(self, recipes: list[Recipe], data: object) -> None:
        """Take data that trainings had in memory, so that they can be measured in this session too."""
        if not recipes or any(recipe.dataset.distribution != IN_MEMORY for recipe in recipes):
            raise VaehubError(NOTHING_TO_SAY)
        given = self.dataset(data)
        for recipe in recipes:
            if not (given.distribution == IN_MEMORY and _content(given) == _content(recipe.dataset)):
                raise VaehubError(
                    f"training {recipe.id[:8]} had other data, {recipe.dataset.name!r}; hand over the same, with the "
                    "same labels, factors and splits, or none if they were handed over in this session"
                )


def _content(component: Component) -> str:
    assert isinstance(component.params, InMemoryData), "data in memory have a digest"
    return component.params.content


def _is_model(given: object) -> bool:
    """Return whether something is a module, which means that torch was imported before."""
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.nn.modules.module.Module" for kind in type(given).__mro__)


def _latent_model(given: object) -> LatentModel:
    from vaehub.core.model import LatentModel

    if not isinstance(given, LatentModel):
        raise VaehubError(
            f"a {type(given).__name__} is a torch module and no model with a posterior yet; vaehub.wrap makes it one: "
            "vaehub.wrap(module), or vaehub.wrap(encoder=…, decoder=…)"
        )
    return given
