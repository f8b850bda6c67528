"""The façade: everything that the command line does, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vaehub.core.errors import VaehubError
from vaehub.core.recipe import Component, Recipe
from vaehub.hub import requests
from vaehub.hub.compare import Comparison, mean_result, pairs_of
from vaehub.hub.export import WeightsFormat, export_weights
from vaehub.hub.plots import comparison_plot, measurement_plot, training_plot
from vaehub.hub.requests import DEFAULT_DATASET, DEFAULT_NETWORK, MeasurementRequest, RunPlan, Settings
from vaehub.hub.runner import Runner
from vaehub.hub.subjects import Given, kind_of
from vaehub.hub.views import Description, Measurement, Measurements, Rows, TrainingView
from vaehub.registry.catalog import Catalog
from vaehub.registry.documentation import document
from vaehub.store.published import Paper
from vaehub.store.records import MeasurementRecord, StudyRecord, TrainingRecord
from vaehub.store.store import Store
from vaehub.store.verify import Verification

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from vaehub.core.data.dataset import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.study import Study
    from vaehub.hub.suggest_dim import Suggestion
    from vaehub.registry.holdings import Holding


class Hub:
    """Trains models, measures them, and keeps every result.

    ``Hub.open().run(model="ard", metric="relevance")`` is a whole session; asking again answers from the store.
    """

    def __init__(self, store: Store, catalog: Catalog, device: str = "auto") -> None:
        self.store = store
        self.catalog = catalog
        self._runner = Runner(store, catalog, device)
        self._device = device

    @classmethod
    def open(cls, path: Path | str | None = None, *, device: str = "auto") -> Self:
        """Return a hub with the installed plugins and a store.

        Args:
            path: The store's directory; ``VAEHUB_STORE``, else ``./vaehub-store``, if not given.
            device: ``auto``, ``cpu`` or ``cuda``; looked for when it is first needed.

        Raises:
            VaehubError: If the path cannot be a store.
        """
        catalog = Catalog()
        versions = {plugin.distribution: plugin.version for plugin in catalog.plugins}
        return cls(Store.open(path, plugins=versions, papers=partial(_papers, catalog)), catalog, device)

    # Asking for work

    def recipe(
        self,
        model: str,
        *,
        network: str = DEFAULT_NETWORK,
        dataset: str = DEFAULT_DATASET,
        seed: int = 0,
        settings: Settings | None = None,
    ) -> Recipe:
        """Return a validated recipe.

        Args:
            model: Name in the catalog, as are the next two.
            network: The encoder and decoder.
            dataset: The data, or a path to your own, such as ``./my_images``.
            seed: Decides all randomness of the training.
            settings: Parameters, such as ``{"model.latent_dim": 8, "train.epochs": 20}``.

        Raises:
            VaehubError: If a name or a parameter is wrong.
        """
        split = requests.split_settings(settings or {})
        if split["metric"]:
            raise VaehubError("a recipe has no metric; give its settings where the metric is named")
        return requests.recipe_of(
            self.catalog, model=model, network=network, dataset=dataset, seed=seed, settings=split
        )

    def run(
        self,
        model: str,
        metric: str | Sequence[str],
        *,
        network: str = DEFAULT_NETWORK,
        dataset: str = DEFAULT_DATASET,
        seed: int | Sequence[int] = 0,
        settings: Settings | None = None,
        at_epochs: Sequence[int] = (),
        force: bool = False,
    ) -> Measurements:
        """Train a model and measure it, or take both from the store.

        Args:
            model: Name in the catalog, as are the next three.
            metric: One or several.
            network: The encoder and decoder.
            dataset: The data, or a path to your own, such as ``./my_images``.
            seed: One or several; each is a training of its own, and seeds its measurements too.
            settings: Parameters by scope: ``model``, ``network``, ``data``, ``train``, ``metric``. With several metrics
                a metric's are ``metric.NAME.PARAMETER``.
            at_epochs: Numbers of epochs after which models are measured too, besides at the end. The model of such a
                moment is recorded as the training of so many epochs that it is.
            force: Train and measure even what is stored.

        Returns:
            A measurement for each seed, number of epochs and metric.

        Raises:
            VaehubError: If the request is wrong; nothing has been done.
            WorkFailed: If a training or a measurement failed; that is recorded, as is all that was done before.
        """
        split = requests.split_settings(settings or {})
        names = [metric] if isinstance(metric, str) else list(dict.fromkeys(metric))
        seeds = [seed] if isinstance(seed, int) else list(dict.fromkeys(seed))
        wanted = requests.metrics_of(self.catalog, names, split["metric"], self.store.training_id)
        recipes = [
            requests.recipe_of(self.catalog, model=model, network=network, dataset=dataset, seed=each, settings=split)
            for each in seeds
        ]
        plans = [RunPlan(recipe, requests.stages_of(recipe, at_epochs), wanted) for recipe in recipes]
        return Measurements(self._runner.run(plans, force=force))

    def train(self, recipe: Recipe, *, force: bool = False) -> TrainingRecord:
        """Train a recipe, or take the training from the store.

        Raises:
            VaehubError: If it cannot be carried out.
            WorkFailed: If the training fails; that is recorded.
        """
        return self._runner.train(recipe, [], force=force)

    def measure(
        self,
        metric: str,
        subject: Given | LatentModel | str | tuple[str, str],
        *,
        data: Dataset | str | None = None,
        seed: int = 0,
        settings: Settings | None = None,
        force: bool = False,
    ) -> Measurement:
        """Measure something, or take the measurement from the store.

        Args:
            metric: Name in the catalog.
            subject: A recipe or the id of a training; a model of your own, from :func:`vaehub.wrap`; the name of a
                dataset, for a metric of datasets; a pair of recipes or of ids, for a metric of pairs; the answer to a
                query, for a metric of tables.
            data: What a model of your own is measured on: a dataset, its name, or a path.
            seed: Decides all randomness of the measurement.
            settings: Parameters of the metric, without scope.
            force: Measure even if it is stored.

        Raises:
            VaehubError: If the request is wrong.
            WorkFailed: If the measurement, or a training that it needs, fails; that is recorded.
        """
        entry, component = requests.metric_of(self.catalog, metric, settings or {}, self.store.training_id)
        kind = kind_of(entry.subject, component.name)
        if not isinstance(subject, tuple | str | Recipe | Component | Rows):
            subject = self.take(subject, data)
        elif data is not None:
            raise VaehubError("data are named for a model of your own; a recipe and a training have theirs")
        if isinstance(subject, str):
            measured = kind.named(subject, self, component.name)
        else:
            measured = kind.of(self._pair(subject) if isinstance(subject, tuple) else subject, component.name)
        return self._runner.measure(MeasurementRequest(component, measured, seed), force=force)

    def compare(
        self,
        a: Recipe | str,
        b: Recipe | str,
        metric: str,
        *,
        seeds: Sequence[int] = (),
        seed: int = 0,
        settings: Settings | None = None,
        force: bool = False,
    ) -> Comparison:
        """Compare two trainings, or two models over several seeds, training whatever is missing.

        Args:
            a: A recipe, or the beginning of a training's id.
            b: Another.
            metric: Name of a metric of pairs.
            seeds: Seeds of both models; each training of one is compared with each of the other. Those of the two
                trainings themselves, if not given.
            seed: Decides all randomness of the measurements, which thus have the same observations.
            settings: Parameters of the metric, without scope.
            force: Measure even what is stored.

        Raises:
            VaehubError: If the request is wrong.
            WorkFailed: If a training or a measurement fails; that is recorded, as is all that was done before.
        """
        one, other = self._pair((a, b))
        entry, component = requests.metric_of(self.catalog, metric, settings or {}, self.store.training_id)
        kind = kind_of(entry.subject, component.name)
        asked = [
            MeasurementRequest(component, kind.of(pair, component.name), seed) for pair in pairs_of(one, other, seeds)
        ]
        found = Measurements(self._runner.measure_all(asked, force=force))
        return Comparison(metric, found, mean_result([each.result for each in found]))

    def take(self, model: LatentModel, data: Dataset | str | None) -> Recipe:
        """Take a model of your own into the store, and return the recipe to measure it by.

        Args:
            model: From :func:`vaehub.wrap`.
            data: What it is measured on: a dataset, its name, or a path.

        Raises:
            VaehubError: If there are no data, or the model does not fit them.
        """
        if data is None:
            raise VaehubError("a model of your own is measured on data; say which: data='mnist', or a Dataset")
        return self._runner.adopt(model, self.dataset_named(data) if isinstance(data, str) else data)

    def model(self, subject: Recipe | str) -> tuple[LatentModel, Dataset]:
        """Return the trained model of a recipe or of a training's id, and the data it was trained on.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        recipe = self.stored_recipe(subject) if isinstance(subject, str) else subject
        trained = self._runner.restored(recipe)
        return trained.model, trained.data

    # Studies

    def study(self, name: str) -> Study:
        """Return a study, to run it and to see its reports.

        Args:
            name: In the catalog, or a path to a TOML file.

        Raises:
            VaehubError: If there is none, or it is none.
        """
        # Few commands need it, and all would wait for it.
        from vaehub.hub.study import Study
        from vaehub.hub.study.definition import definition_named

        return Study(definition_named(name, self.catalog), self.store, self.catalog, self._runner, self._device)

    def studies(self) -> list[StudyRecord]:
        """Return the studies that this store was asked for, the latest first."""
        with self.store.session() as session:
            return session.studies()

    def suggest_dim(
        self,
        data: str,
        *,
        network: str = DEFAULT_NETWORK,
        methods: Sequence[str] | None = None,
        seeds: int = 3,
        settings: Settings | None = None,
        budget: float | None = None,
        jobs: int | None = None,
    ) -> Suggestion:
        """Return how many latents the data need, by every installed method that suggests a number.

        The methods are asked as a study, one seed after the other, so that asking again goes on where time was over.

        Args:
            data: Name in the catalog, or a path to a user's own.
            network: What the methods train.
            methods: Names of metrics; all that suggest a number, if not given.
            seeds: How often each is asked.
            settings: Parameters of data, network and training; without ``train.epochs``, trainings have 2,500 steps.
            budget: Seconds after which work stops; none, if not given.
            jobs: Worker processes; one for each core, if not given.

        Raises:
            VaehubError: If the request is wrong; nothing has been done.
        """
        from vaehub.hub.suggest_dim import suggest

        return suggest(
            self._runner,
            self._device,
            data=data,
            network=network,
            methods=methods,
            seeds=seeds,
            settings=settings or {},
            budget=budget,
            jobs=jobs,
        )

    # Data

    def data(self, name: str, settings: Settings | None = None) -> Dataset:
        """Return a dataset, or a user's own data at a path, downloading what is missing.

        Args:
            name: Name in the catalog, or a path.
            settings: Its parameters, without scope, such as ``{"size": 64}``.

        Raises:
            VaehubError: If the name or a parameter is wrong, or the data cannot be had.
        """
        return self._runner.builder.load(requests.dataset_of(self.catalog, name, settings or {}))

    def holding(self, name: str, settings: Settings | None = None) -> Holding:
        """Return the card of a dataset and where its files are, without loading it.

        Raises:
            VaehubError: If the name or a parameter is wrong.
        """
        from vaehub.registry.holdings import holding

        component = requests.dataset_of(self.catalog, name, settings or {})
        root = getattr(component.params, "root", None)
        return holding(self.catalog.find("dataset", f"{component.distribution}:{component.name}"), root)

    def sheet(self, data: Dataset | str, *, seed: int = 0) -> Image:
        """Return a contact sheet of observations: along each factor, by class, or at random.

        Raises:
            VaehubError: If the data cannot be had, or are no images.
        """
        from vaehub.hub.previews import sheet

        return sheet(self.data(data) if isinstance(data, str) else data, seed)

    # Looking at what is stored

    def sql(self, query: str) -> Rows:
        """Return the answer to an SQL query, which can read the store and do nothing else.

        Raises:
            VaehubError: If there is no store, or the query is wrong.
        """
        return Rows(self.store.query(query))

    def recent(self, limit: int = 20) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
        """Return the latest trainings and measurements, the latest first."""
        return self.store.recent(limit)

    def show(self, prefix: str) -> TrainingView | Measurement:
        """Return the training or measurement whose id begins so.

        Raises:
            VaehubError: If there is none, or more than one.
        """
        with self.store.session() as session:
            kind, found = self.store.resolve(prefix)
            if kind == "training":
                record = session.trainings([found])[found]
                return TrainingView(record, session.epochs(found), session.measurements_of(found))
        return self._runner.stored(found)

    def figure(self, prefix: str) -> Figure:
        """Return the plot of a measurement, as its metric draws it, or the loss curves of a training.

        Raises:
            VaehubError: If there is no such record, it failed, or it has no plot; or matplotlib is missing.
        """
        shown = self.show(prefix)
        if isinstance(shown, TrainingView):
            return training_plot(shown)
        return measurement_plot(shown, self._runner.metric_of)

    def comparison_figure(self, found: Comparison) -> Figure:
        """Return the plot of a comparison, as its metric draws it.

        Raises:
            VaehubError: If the metric has no plot, or matplotlib is missing.
        """
        return comparison_plot(found, self._runner.metric_of)

    def export(self, prefix: str, path: Path | str | None = None, *, format: WeightsFormat = "safetensors") -> Path:  # noqa: A002
        """Write the weights of a stored training into a file, and return its path.

        Args:
            prefix: Beginning of the training's id.
            path: File to write; the beginning of the id with the format's ending, if not given.
            format: ``safetensors``, or ``pt`` for ``torch.load(…, weights_only=True)``.

        Raises:
            VaehubError: If there is no such training, it has no weights, or the file cannot be written.
        """
        return export_weights(self.store, self._training(prefix), path, format)

    def stored_recipe(self, prefix: str) -> Recipe:
        """Return the recipe of a stored training.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        return requests.restored_recipe(self.catalog, self._training(prefix).recipe)

    def dataset_named(self, name: str) -> Component:
        """Return a dataset of the catalog, or a user's own where the name is a path.

        Raises:
            VaehubError: If there is none.
        """
        return requests.dataset_of(self.catalog, name, {})

    def describe(self, name: str) -> list[Description]:
        """Return the entries of a name in the catalog, with their parameters, in every kind that has it.

        Raises:
            VaehubError: If there is no such name.
        """
        return [
            Description(each, document(each.load_params()))
            if each.entry.has_params
            else Description(each, [], self.study(name).definition if each.entry.kind == "study" else None)
            for each in self.catalog.find_all(name)
        ]

    def verify(self, *, remove_leftovers: bool = False) -> Verification:
        """Check every checksum and pointer of the store.

        Raises:
            StoreError: If there is no store.
        """
        return self.store.verify(remove_leftovers=remove_leftovers)

    def _training(self, prefix: str) -> TrainingRecord:
        with self.store.session() as session:
            found = self.store.training_id(prefix)
            return session.trainings([found])[found]

    def _pair(self, pair: tuple[Recipe | str, Recipe | str]) -> tuple[Recipe, Recipe]:
        one, other = (self.stored_recipe(each) if isinstance(each, str) else each for each in pair)
        return one, other


def _papers(catalog: Catalog) -> list[Paper]:
    return [Paper(each.entry.name, each.read()) for each in catalog.entries("published")]
