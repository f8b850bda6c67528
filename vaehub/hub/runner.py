"""Getting work done once: from the store if it is there, else by the builder, never twice at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from vaehub.core.errors import WorkFailed
from vaehub.core.recipe import Part, Recipe
from vaehub.core.result import Result
from vaehub.hub import requests
from vaehub.hub.recipe_runner import RecipeRunner
from vaehub.hub.requests import MeasurementRequest, Subject
from vaehub.hub.views import Measurement, Rows
from vaehub.registry.catalog import Catalog
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord, now
from vaehub.store.store import Store

if TYPE_CHECKING:
    from vaehub.core.data import Dataset
    from vaehub.core.metric import Metric
    from vaehub.core.model import LatentModel
    from vaehub.hub.builder import Builder, Trained, TrainingJob


class Runner:
    """Sees to it that a training or a measurement is in the store.

    Args:
        store: Where answers are kept.
        catalog: Where classes are found.
        device: Name of the device; looked for when it is first needed.
    """

    def __init__(self, store: Store, catalog: Catalog, device: str) -> None:
        self.store = store
        self.catalog = catalog
        self._device = device

    @cached_property
    def _builder(self) -> Builder:
        # Brings torch along, which answers from the store do not need.
        from vaehub.hub.builder import Builder

        return Builder(self.catalog, self.store, self._device)

    def data(self, dataset: Part) -> Dataset:
        """Return a dataset.

        Raises:
            DataError: If it cannot be had.
        """
        return self._builder.load(dataset)

    def data_of(self, recipe: Recipe) -> Dataset:
        """Return a recipe's data with its part for validation set aside.

        Raises:
            DataError: If they cannot be had.
        """
        return self._builder.data_of(recipe)

    # Trainings

    def ensure_trained(
        self, recipe: Recipe, wanted: Sequence[MeasurementRequest], *, force: bool, stages: Sequence[Recipe] = ()
    ) -> TrainingRecord:
        """Return a training from the store, once it is there.

        Args:
            recipe: What to train.
            wanted: What will be measured; whatever speaks against it is found out before the training.
            force: Train in any case.
            stages: The same recipe with fewer epochs, which are wanted too; one training passes through all of them.

        Raises:
            VaehubError: If the recipe, or a measurement of it, cannot be carried out; nothing is recorded.
            WorkFailed: If the training fails; that is recorded.
        """
        missing = self._missing([*stages, recipe], force=force)
        if missing:
            # Whatever is wrong with the request comes out here, before anything is written.
            order = self._ordered(missing, wanted)
            self.store.prepare()
            with self.store.working_on(order.recipe.id):
                # Another process may have done it while this one waited.
                if force or self._finished(order.recipe) is None:
                    self._builder.train(order, force=force)
            # What that process did not pass through is trained now.
            for stage in self._missing(stages, force=False):
                self.ensure_trained(stage, wanted, force=False)
        known = self._finished(recipe)
        assert known is not None, "a training that fails raises"
        return known

    def try_out(self, recipes: Sequence[Recipe], wanted: Iterable[tuple[MeasurementRequest, Subject]]) -> None:
        """See whether trainings and measurements could be made, without making any.

        Args:
            recipes: Of one training, with growing numbers of epochs; or none.
            wanted: What would be measured, and of what.

        Raises:
            VaehubError: If one could not.
        """
        from vaehub.core.metric import DatasetMetric, RecipeMetric, RowsMetric

        asked = list(wanted)
        if recipes:
            self._ordered(recipes, [request for request, _ in asked if "training" in request.subject])
        for request, subject in asked:
            if isinstance(subject, Part):
                self._builder.metric(request.metric, DatasetMetric, request.seed).check(self._builder.load(subject))
            elif isinstance(subject, Rows):
                self._builder.metric(request.metric, RowsMetric, request.seed).check(subject.to_numpy())
            elif isinstance(subject, Recipe) and "recipe" in request.subject:
                of_recipe = self._builder.metric(request.metric, RecipeMetric, request.seed)
                of_recipe.check(subject, *self._untrained(subject))

    def ensure_trained_together(
        self, asked: Sequence[tuple[Recipe, Sequence[MeasurementRequest], Sequence[Recipe]]], *, force: bool
    ) -> set[str]:
        """Train those of some recipes that are missing at once, where there are several, and return their ids.

        Args:
            asked: Recipes that differ in seed alone, of each what will be measured and the stages that are wanted too.
            force: Train in any case.

        Raises:
            VaehubError: As :meth:`ensure_trained`.
            WorkFailed: If a training fails, when all have ended.
        """
        missing = [(self._missing([*stages, recipe], force=force), wanted) for recipe, wanted, stages in asked]
        orders = [self._ordered(recipes, wanted) for recipes, wanted in missing if recipes]
        if len(orders) < 2 or len({order.recipe.train.epochs for order in orders}) > 1:
            return set()  # each is trained by itself
        self.store.prepare()
        with ExitStack() as locks:
            for order in sorted(orders, key=lambda each: each.recipe.id):
                locks.enter_context(self.store.working_on(order.recipe.id))
            left = [order for order in orders if force or self._finished(order.recipe) is None]
            if len(left) > 1:
                self._builder.train_together(left, force=force)
                return {order.recipe.id for order in left}
            return set()

    def take(self, model: LatentModel, dataset: Part | Dataset) -> Recipe:
        """Take a model that was handed over, record it, and return its recipe.

        Raises:
            VaehubError: If it does not fit the data.
        """
        recipe = self._builder.take(model, dataset)
        if self._finished(recipe) is None:
            self.store.prepare()
            with self.store.working_on(recipe.id):
                self._builder.record_given(recipe)
        return recipe

    def _missing(self, recipes: Sequence[Recipe], *, force: bool) -> list[Recipe]:
        return [each for each in recipes if force or self._finished(each) is None]

    def _ordered(self, recipes: Sequence[Recipe], wanted: Sequence[MeasurementRequest]) -> TrainingJob:
        from vaehub.core.metric import ModelMetric
        from vaehub.hub.builder import TrainingJob

        *stages, recipe = recipes
        data = self._builder.data_of(recipe)
        model = self._builder.build(recipe, data)
        for request in wanted:
            self._builder.metric(request.metric, ModelMetric, request.seed).check(model, data)
        return TrainingJob(recipe, model, data, stages)

    def trained(self, recipe: Recipe) -> Trained:
        """Return the model of a recipe and its data; raises as :meth:`ensure_trained`."""
        self.ensure_trained(recipe, [], force=False)
        return self._builder.restore(recipe)

    def _untrained(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe with nothing learned, and its data."""
        data = self._builder.data_of(recipe)
        return self._builder.build(recipe, data), data

    def _known(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe, trained if it is in the store, and its data."""
        if self._finished(recipe) is None:
            return self._untrained(recipe)
        trained = self._builder.restore(recipe)
        return trained.model, trained.data

    def _finished(self, recipe: Recipe) -> TrainingRecord | None:
        known = self.store.training(recipe.id)
        return known if known is not None and known.status == "done" else None

    # Measurements

    def known(self, measurement_ids: Sequence[str]) -> dict[str, Measurement]:
        """Return those of some measurements that are stored and succeeded, by id."""
        stored = self.store.find_many(measurement_ids)
        return {name: _reused(found) for name, found in stored.items() if found.record.status == "done"}

    def stored(self, measurement_id: str) -> Measurement:
        """Return a measurement from the store."""
        return _reused(self.store.find_many([measurement_id])[measurement_id])

    def measured(self, request: MeasurementRequest, subject: Subject, *, force: bool) -> Measurement:
        """Return a measurement from the store, or measure now.

        Raises:
            VaehubError: If what is to be measured cannot be had; nothing is recorded.
            WorkFailed: If the measurement fails; that is recorded.
        """
        if not force and (found := self.known([request.id])):
            return found[request.id]
        work = self._work(request, subject)
        self.store.prepare()
        with self.store.working_on(request.id):
            if not force and (found := self.known([request.id])):
                return found[request.id]
            return self._measure(request, subject, work, force=force)

    def metric_of(self, record: MeasurementRecord) -> Metric:
        """Return the metric that made a record, with its parameters."""
        from vaehub.core import metric

        stored = record.request["metric"]
        part = requests.restored_part(self.catalog, "metric", requests.mapping(stored))
        return self._builder.metric(part, metric.Metric, record.seed)

    def _measure(
        self, request: MeasurementRequest, subject: Subject, work: Callable[[], Result], *, force: bool
    ) -> Measurement:
        started, clock = now(), time.perf_counter()
        result, failure = Result(), None
        try:
            result = work()
        # A stranger's metric runs here.
        except Exception as error:  # noqa: BLE001
            failure = error
        why = None if failure is None else _reason(failure)
        record = _record_of(request, subject, why, started, time.perf_counter() - clock)
        self.store.record_measurement(record, result, replace=force)
        if failure is not None:
            title = f"measurement {record.id[:8]} of metric {record.metric!r} failed"
            raise WorkFailed(f"{title}: {why}") from failure
        self._builder.tell_measured(record.id, record.metric, result)
        training = self.store.training(record.training) if record.training else None
        return Measurement(record, result, training, reused=False)

    def record_failure(self, request: MeasurementRequest, subject: Subject, why: str) -> None:
        """Record that a measurement could not be made, for a reason that lies before it."""
        record = _record_of(request, subject, why, now(), 0.0)
        if record.training is not None and self.store.training(record.training) is None:
            record = replace(record, training=None)
        self.store.record_measurement(record, Result())

    def _work(self, request: MeasurementRequest, subject: Subject) -> Callable[[], Result]:
        """Fetch what is to be measured, and return what is left to do."""
        import torch

        from vaehub.core.metric import DatasetMetric, ModelMetric, PairMetric, RecipeMetric, RowsMetric

        part, seed = request.metric, request.seed
        work: Callable[[], Result]
        if isinstance(subject, Part):
            of_data, data = self._builder.metric(part, DatasetMetric, seed), self._builder.load(subject)
            of_data.check(data)
            work = lambda: of_data.measure(data)  # noqa: E731
        elif isinstance(subject, Rows):
            of_rows, rows = self._builder.metric(part, RowsMetric, seed), subject.to_numpy()
            of_rows.check(rows)
            work = lambda: of_rows.measure(rows)  # noqa: E731
        elif isinstance(subject, tuple):
            of_pair = self._builder.metric(part, PairMetric, seed)
            (a_model, data), (b_model, _) = map(self._known, subject)
            of_pair.check(a_model, b_model, data)
            a, b = map(self.trained, subject)
            work = lambda: of_pair.measure(a.model, b.model, a.data)  # noqa: E731
        elif "training" in request.subject:
            of_model = self._builder.metric(part, ModelMetric, seed)
            self.ensure_trained(subject, [request], force=False)
            trained = self._builder.restore(subject)
            of_model.check(trained.model, trained.data)
            work = lambda: of_model.measure(trained.model, trained.data)  # noqa: E731
        else:
            of_recipe = self._builder.metric(part, RecipeMetric, seed)
            of_recipe.check(subject, *self._untrained(subject))
            # Trains inside, and so keeps its gradients.
            return lambda: of_recipe.measure(subject, RecipeRunner(self, seed))
        return torch.no_grad()(work)


def _reused(found: StoredMeasurement) -> Measurement:
    return Measurement(found.record, found.result, found.training, reused=True)


def _reason(error: Exception) -> str:
    from vaehub.hub.recorder import reason

    return reason(error)


def _record_of(
    request: MeasurementRequest, subject: Subject, why: str | None, started: datetime, seconds: float
) -> MeasurementRecord:
    ids = [recipe.id for recipe in _trainings(request, subject)]
    return MeasurementRecord(
        id=request.id,
        metric=request.metric.name,
        params=request.metric.params.identity(),
        seed=request.seed,
        subject=request.subject,
        request=request.identity(),
        training=ids[0] if ids else None,
        other=ids[1] if len(ids) > 1 else None,
        status="done" if why is None else "failed",
        error=why,
        started=started,
        seconds=seconds,
    )


def _trainings(request: MeasurementRequest, subject: Subject) -> tuple[Recipe, ...]:
    if isinstance(subject, tuple):
        return subject
    return (subject,) if isinstance(subject, Recipe) and "training" in request.subject else ()
