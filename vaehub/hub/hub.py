"""The façade: everything that the command line does, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Self

from vaehub.core.errors import VaehubError
from vaehub.core.recipe import Component, Recipe
from vaehub.hub import requests
from vaehub.hub.arguments import MOST_JOBS, count, mapping_of, path_text, texts, whole_number, whole_numbers
from vaehub.hub.compare import Comparison, mean_result, pairs_of
from vaehub.hub.display.bars import notebook_progress
from vaehub.hub.papers import papers_of
from vaehub.hub.requests import DEFAULT_DATASET, DEFAULT_NETWORK, MeasurementRequest, RunPlan, Settings
from vaehub.hub.store_reader import StoreReader
from vaehub.hub.subjects import kind_of
from vaehub.hub.views import Description, Measurement, Measurements, Training
from vaehub.hub.work import work
from vaehub.registry import trackers
from vaehub.registry.catalog import Catalog
from vaehub.registry.documentation import document
from vaehub.store.records import TrainingRecord
from vaehub.store.store import Store
from vaehub.training.devices import device_names

if TYPE_CHECKING:
    from PIL.Image import Image

    from vaehub.core.data.dataset import Dataset
    from vaehub.core.model import LatentModel
    from vaehub.hub.study import Study
    from vaehub.hub.suggest_dim import Suggestion


class Hub(StoreReader):
    """Trains models, measures them, and keeps every result.

    ``Hub.open().run(model="ard", metric="relevance")`` is a whole session; asking again answers from the store.
    """

    @classmethod
    def open(cls, path: PathLike[str] | str | None = None, *, device: str = "auto") -> Self:
        """Return a hub with the installed plugins and a store.

        Args:
            path: The store's directory; ``VAEHUB_STORE``, else ``./vaehub-store``, if not given.
            device: ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:1``; looked for when it is first needed. Of several,
                ``cuda:0,1``, each has a worker of a study, or of several seeds, and the first computes the rest.

        Raises:
            VaehubError: If the path cannot be a store, the device is unknown, or ``VAEHUB_TRACKERS`` names a tracker
                that cannot be had.
        """
        device_names(device)
        catalog = Catalog()
        trackers.add(catalog.manager, trackers.asked())
        versions = {plugin.distribution: plugin.version for plugin in catalog.plugins}
        return cls(Store.open(path, plugins=versions, papers=partial(papers_of, catalog)), catalog, device)

    # Asking for work

    def recipe(
        self,
        model: str,
        *,
        network: str = DEFAULT_NETWORK,
        dataset: object = DEFAULT_DATASET,
        seed: int = 0,
        settings: Settings | None = None,
    ) -> Recipe:
        """Return a validated recipe.

        Args:
            model: Name in the catalog, as are the next two.
            network: The encoder and decoder.
            dataset: The data; a path to your own, such as ``./my_images``; or data in memory, of which a copy is kept
                as long as the session lasts: whatever :func:`vaehub.adapters.as_dataset` reads.
            seed: Decides all randomness of the training.
            settings: Parameters, such as ``{"model.latent_dim": 8, "train.epochs": 20}``.

        Raises:
            VaehubError: If a name or a parameter is wrong.
        """
        split = requests.split_settings(settings or {})
        if split["metric"]:
            raise VaehubError("a recipe has no metric; give its settings where the metric is named")
        data = self._inputs.dataset(dataset, split["data"])
        return requests.recipe_of(self.catalog, model=model, network=network, dataset=data, seed=seed, settings=split)

    def run(
        self,
        model: str,
        metric: str | Sequence[str],
        *,
        network: str = DEFAULT_NETWORK,
        dataset: object = DEFAULT_DATASET,
        seed: int | Sequence[int] = 0,
        settings: Settings | None = None,
        at_epochs: Sequence[int] = (),
        at_steps: Sequence[int] = (),
        force: bool = False,
        jobs: int | None = 1,
    ) -> Measurements:
        """Train a model and measure it, or take both from the store.

        Args:
            model: Name in the catalog, as are the next three.
            metric: One or several.
            network: The encoder and decoder.
            dataset: The data; a path to your own, such as ``./my_images``; or data in memory, whatever
                :func:`vaehub.adapters.as_dataset` reads.
            seed: One or several; each is a training of its own, and seeds its measurements too.
            settings: Parameters by scope: ``model``, ``network``, ``data``, ``train``, ``metric``. With several metrics
                a metric's are ``metric.NAME.PARAMETER``.
            at_epochs: Numbers of epochs after which models are measured too, besides at the end. The model of such a
                moment is recorded as the training of so many epochs that it is.
            at_steps: Numbers of steps after which models are measured too, of a training whose length is
                ``train.steps``.
            force: Train and measure even what is stored.
            jobs: Worker processes, among which several seeds and the cores are divided; as many as cores and memory
                allow, if ``None``. A script that asks for more than one keeps that below
                ``if __name__ == "__main__":``, since each process reads the script anew.

        Returns:
            A measurement for each seed, number of epochs or steps, and metric.

        Raises:
            VaehubError: If the request is wrong; nothing has been done.
            WorkFailed: If a training or a measurement failed; that is recorded, as is all that was done before.
        """
        split = requests.split_settings(settings or {})
        names, seeds = texts(metric, "metric"), whole_numbers(seed, "seed")
        epochs = whole_numbers(at_epochs, "an epoch to measure after")
        steps = whole_numbers(at_steps, "a step to measure after")
        n_jobs = None if jobs is None else count(jobs, "the number of jobs", MOST_JOBS)
        wanted = requests.metrics_of(self.catalog, names, split["metric"], self.store.training_id)
        data = self._inputs.dataset(dataset, split["data"])
        recipes = [
            requests.recipe_of(self.catalog, model=model, network=network, dataset=data, seed=each, settings=split)
            for each in seeds
        ]
        plans = [RunPlan(recipe, requests.stages_of(recipe, epochs, steps), wanted) for recipe in recipes]
        with work(self.store):
            if len(plans) == 1 or n_jobs == 1:
                return Measurements(self._runner.run(plans, force=force))
            # Few need it, and all would wait for it.
            from vaehub.hub.plan_workers import run_plans

            return Measurements(run_plans(self._runner, plans, force=force, jobs=n_jobs))

    def train(
        self,
        recipe: Recipe,
        *,
        at_epochs: Sequence[int] = (),
        at_steps: Sequence[int] = (),
        force: bool = False,
    ) -> Training:
        """Train a recipe, or take the training from the store.

        Args:
            recipe: What to train.
            at_epochs: Numbers of epochs after which the model is recorded too, as the training of so many epochs.
            at_steps: Numbers of steps likewise, of a training whose length is ``train.steps``.
            force: Train even what is stored.

        Raises:
            VaehubError: If it cannot be carried out.
            WorkFailed: If the training fails; that is recorded.
        """
        known = self._inputs.recipe(recipe)
        epochs = whole_numbers(at_epochs, "an epoch to record")
        stages = requests.stages_of(known, epochs, whole_numbers(at_steps, "a step to record"))
        with work(self.store):
            record = self._runner.train(known, [], stages=stages, force=force)
            with self.store.session() as session:
                return self._training(session, record.id)

    def measure(
        self,
        metric: str,
        subject: object,
        *,
        data: object = None,
        seed: int = 0,
        settings: Settings | None = None,
        force: bool = False,
    ) -> Measurement:
        """Measure something, or take the measurement from the store.

        Args:
            metric: Name in the catalog.
            subject: A recipe or the id of a training; a model of your own, from :func:`vaehub.wrap`; a dataset, for a
                metric of datasets: its name, a path, or data in memory; a pair of recipes, of ids, or of models of your
                own, in any combination, for a metric of pairs; the answer to a query, for a metric of tables.
            data: What a model of your own is measured on: a name, a path, or data in memory, whatever
                :func:`vaehub.adapters.as_dataset` reads. Beside a training, a model is measured on the training's data
                if none are given.
            seed: Decides all randomness of the measurement.
            settings: Parameters of the metric, without scope.
            force: Measure even if it is stored.

        Raises:
            VaehubError: If the request is wrong.
            WorkFailed: If the measurement, or a training that it needs, fails; that is recorded.
        """
        params = mapping_of(settings or {}, '{"n_samples": 1000}')
        entry, component = requests.metric_of(self.catalog, metric, params, self.store.training_id)
        kind = kind_of(entry.subject, component.name)
        measured = self._inputs.subject(kind, subject, data, component.name)
        request = MeasurementRequest(component, measured, whole_number(seed, "seed"))
        with work(self.store):
            return self._runner.measure(request, force=force)

    def compare(
        self,
        a: Recipe | TrainingRecord | LatentModel | str,
        b: Recipe | TrainingRecord | LatentModel | str,
        metric: str,
        *,
        data: object = None,
        seeds: Sequence[int] = (),
        seed: int = 0,
        settings: Settings | None = None,
        force: bool = False,
    ) -> Comparison:
        """Compare two trainings, or two models over several seeds, training whatever is missing.

        Args:
            a: A recipe, the beginning of a training's id, or a model of your own.
            b: Another.
            metric: Name of a metric of pairs.
            data: What models of your own are compared on; beside a training, the training's if not given.
            seeds: Seeds of both models; each training of one is compared with each of the other. Those of the two
                trainings themselves, if not given.
            seed: Decides all randomness of the measurements, which thus have the same observations.
            settings: Parameters of the metric, without scope.
            force: Measure even what is stored.

        Raises:
            VaehubError: If the request is wrong.
            WorkFailed: If a training or a measurement fails; that is recorded, as is all that was done before.
        """
        params = mapping_of(settings or {}, '{"n_samples": 1000}')
        entry, component = requests.metric_of(self.catalog, metric, params, self.store.training_id)
        kind = kind_of(entry.subject, component.name)
        kind.of((a, b), component.name)  # refused before anything is put into the store
        one, other = self._inputs.pair((a, b), data)
        asked = [
            MeasurementRequest(component, kind.of(pair, component.name), whole_number(seed, "seed"))
            for pair in pairs_of(one, other, whole_numbers(seeds, "seed"))
        ]
        with work(self.store):
            found = Measurements(self._runner.measure_all(asked, force=force))
        return Comparison(metric, found, mean_result([each.result for each in found]))

    def take(self, model: LatentModel, data: object) -> Recipe:
        """Take a model of your own into the store, and return the recipe to measure it by.

        Args:
            model: From :func:`vaehub.wrap`.
            data: What it is measured on: a name, a path, or data in memory.

        Raises:
            VaehubError: If there are no data, or the model does not fit them.
        """
        return self._inputs.model(model, data)

    def model(self, subject: Recipe | str) -> tuple[LatentModel, Dataset]:
        """Return the trained model of a recipe or of a training's id, and the data it was trained on.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        recipe = self._inputs.recipe(subject)
        trained = self._runner.restored(recipe)
        return trained.model, trained.data

    # Studies

    def study(self, name: str | PathLike[str]) -> Study:
        """Return a study, to run it and to see its reports.

        Args:
            name: In the catalog, or a path to a TOML file.

        Raises:
            VaehubError: If there is none, or it is none.
        """
        # Few commands need it, and all would wait for it.
        from vaehub.hub.study import Study
        from vaehub.hub.study.definition import definition_named

        named = path_text(name) if isinstance(name, PathLike) else name
        return Study(definition_named(named, self.catalog), self.store, self.catalog, self._runner, self._device)

    def suggest_dim(
        self,
        data: object,
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
            data: Name in the catalog, a path to a user's own, or data in memory.
            network: What the methods train.
            methods: Names of metrics; all that suggest a number, if not given.
            seeds: How often each is asked.
            settings: Parameters of data, network and training; without ``train.epochs``, trainings have 2,500
                steps, those of an ARD-VAE as many as it takes, at most 10,000.
            budget: Seconds after which work stops; none, if not given.
            jobs: Worker processes; one for each core, if not given.

        Raises:
            VaehubError: If the request is wrong; nothing has been done.
        """
        from vaehub.hub.suggest_dim import suggest

        values = mapping_of(settings or {}, '{"train.epochs": 20}')
        if isinstance(data, str | PathLike):
            named: str | Component = path_text(data) if isinstance(data, PathLike) else data
        else:
            named = self._inputs.dataset(data, requests.split_settings(values)["data"])
        with work(self.store):
            return suggest(
                self._runner,
                self._device,
                data=named,
                network=network,
                methods=methods,
                seeds=seeds,
                settings=values,
                budget=budget,
                jobs=jobs,
            )

    def describe(self, name: str, kind: str | None = None) -> list[Description]:
        """Return the entries of a name in the catalog, with their parameters, in one kind or in every one that has it.

        The name ``train`` stands for the settings of trainings.

        Raises:
            VaehubError: If there is no such name.
        """
        found = self.catalog.find_all(name) if kind is None else [self.catalog.find(kind, name)]
        return [
            Description(each, document(each.load_params()))
            if each.entry.has_params
            else Description(each, [], self.study(name).definition if each.entry.kind == "study" else None)
            for each in found
        ]

    # Data

    def dataset_named(self, name: str) -> Component:
        """Return a dataset of the catalog, or a user's own where the name is a path.

        Raises:
            VaehubError: If there is none.
        """
        return self._inputs.dataset_named(name)

    def data(self, name: object, settings: Settings | None = None) -> Dataset:
        """Return a dataset, or a user's own data at a path or in memory, downloading what is missing.

        Args:
            name: Name in the catalog, a path, or data in memory, whatever :func:`vaehub.adapters.as_dataset` reads.
            settings: Its parameters, without scope, such as ``{"size": 64}``.

        Raises:
            VaehubError: If the name or a parameter is wrong, or the data cannot be had.
        """
        with notebook_progress():
            return self._inputs.data(name, settings)

    def sheet(self, data: object, *, seed: int = 0) -> Image:
        """Return a contact sheet of observations: along each factor, by class, or at random.

        Raises:
            VaehubError: If the data cannot be had, or are no images.
        """
        from vaehub.hub.previews import sheet

        return sheet(self._inputs.data(data), seed)
