"""From requests to stored results: look up, or else train and measure, never twice at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from vaehub.core.errors import NotRecorded, WorkFailed
from vaehub.core.recipe import Component, Recipe
from vaehub.core.result import Result
from vaehub.hub import requests
from vaehub.hub.argument_models import ArgumentModels
from vaehub.hub.listeners import tell_measured
from vaehub.hub.recipe_runner import RecipeRunner
from vaehub.hub.requests import MeasurementRequest, RunPlan
from vaehub.hub.views import Measurement
from vaehub.registry.catalog import Catalog
from vaehub.registry.entries import Metric as MetricEntry
from vaehub.store.failures import gone
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord, now
from vaehub.store.store import Store

if TYPE_CHECKING:
    from vaehub.core.metric import Metric
    from vaehub.core.model import LatentModel
    from vaehub.hub.builder import Builder
    from vaehub.hub.memory import Trained
    from vaehub.hub.training_job import TrainingJob


class Runner:
    """Trains and measures whatever the store does not have.

    The store is looked at first, in one session; it is not held while anything is trained or measured.

    Args:
        store: Where answers are kept.
        catalog: Where classes are found.
        device: Name of the device; looked for when it is first needed.
        share: Threads of this process where the cores were divided among workers.
        n_workers: Processes that do such work at once, and divide what may be remembered among them.
    """

    def __init__(
        self, store: Store, catalog: Catalog, device: str, *, share: int | None = None, n_workers: int = 1
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.device = device
        self._share = share
        self._n_workers = n_workers

    @cached_property
    def builder(self) -> Builder:
        """Makes data, models and metrics."""
        # Brings torch along, which answers from the store do not need.
        from vaehub.hub.builder import Builder
        from vaehub.hub.memory import LIMIT

        room = LIMIT // self._n_workers
        return Builder(self.catalog, self.store, self.device, share=self._share, room=room)

    # Plans

    def run(
        self, plans: Sequence[RunPlan], *, force: bool, known: Mapping[str, Measurement] | None = None
    ) -> list[Measurement]:
        """Return all measurements of recipes that differ only in their seed, making whatever the store lacks.

        Args:
            plans: What is asked, of each recipe.
            force: Train and measure even what is stored.
            known: What the store has of it, where the caller has looked.

        Raises:
            VaehubError: If a request is wrong; nothing has been done.
            WorkFailed: If a training or a measurement failed; that is recorded, as is all that was done before.
        """
        if known is None:
            known = {} if force else self.known([request.id for plan in plans for request in plan.requests])
        for plan in plans:
            # What is asked of data or recipes is refused before a training that it does not need.
            missing = [request for request in plan.of_others if request.id not in known]
            if plan.of_trainings and missing:
                self.try_out([], missing)
        missed = [plan for plan in plans if any(request.id not in known for request in plan.of_trainings)]
        trained = self._train_together([plan for plan in missed if plan.recipe.train.together], force=force)
        found: list[Measurement] = []
        for plan in plans:
            if plan in missed:
                again = force and plan.recipe.id not in trained
                self.train(plan.recipe, plan.of_trainings, stages=plan.stages, force=again)
            found += [known.get(request.id) or self._measured(request, force=force) for request in plan.requests]
        return found

    def run_all(self, recipes: Sequence[Recipe], wanted: Iterable[MeasurementRequest]) -> dict[str, str]:
        """Train and measure whatever the store lacks, continue after failures, and return the reason of each.

        Args:
            recipes: Of one training, with growing numbers of epochs; or none.
            wanted: What is measured.
        """
        asked, failures, done = list(wanted), dict[str, str](), dict[str, TrainingRecord]()
        if recipes:
            of_trainings = [request for request in asked if request.subject.trainings]
            *stages, recipe = recipes
            try:
                done[recipe.id] = self.train(recipe, of_trainings, stages=stages, force=False)
            except KeyboardInterrupt:
                raise
            # A stranger's code runs here, and what it raises, which need be no Exception, must not stop the others.
            except BaseException as error:  # noqa: BLE001
                failures |= dict.fromkeys((request.id for request in of_trainings), self.catalog.reason(error))
        for request in asked:
            if request.id not in failures:
                try:
                    if request.id not in self.known([request.id]):
                        self._measured(request, force=False, done=done)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 as above
                    failures[request.id] = self.catalog.reason(error)
        return failures

    def try_out(self, recipes: Sequence[Recipe], wanted: Iterable[MeasurementRequest]) -> None:
        """Check that trainings and measurements could be made, without making any.

        Args:
            recipes: Of one training, with growing numbers of epochs; or none.
            wanted: What would be measured.

        Raises:
            VaehubError: If one could not.
        """
        asked = list(wanted)
        if recipes:
            self._job(recipes, recipes, [request for request in asked if request.subject.trainings])
        for request in asked:
            if not request.subject.trainings:
                request.subject.check(self._metric(request), ArgumentModels(self.builder))

    # Trainings

    def train(
        self, recipe: Recipe, wanted: Sequence[MeasurementRequest], *, force: bool, stages: Sequence[Recipe] = ()
    ) -> TrainingRecord:
        """Return a training from the store, training it first if necessary.

        Args:
            recipe: What to train.
            wanted: What will be measured; validated before training starts.
            force: Train in any case.
            stages: The same recipe with fewer epochs, which are wanted too; one training passes through all of them.

        Raises:
            VaehubError: If the recipe, or a measurement of it, cannot be carried out; nothing is recorded.
            WorkFailed: If the training fails; that is recorded.
        """
        passed = [*stages, recipe]
        done = self._finished(passed)
        missing = [each for each in passed if force or each.id not in done]
        if missing:
            # Whatever is wrong with the request comes out here, before anything is written.
            job = self._job(missing, passed, wanted)
            self.store.prepare()
            made = None
            with self.store.working_on(job.recipe.id):
                # Another process may have done it while this one waited.
                if force or job.recipe.id not in self._finished([job.recipe]):
                    made = self.builder.train(job, force=force)
            if made is not None and not stages:
                return made
            done = self._finished(passed)
            # What that process did not pass through is trained now.
            for stage in stages:
                if stage.id not in done:
                    self.train(stage, wanted, force=False)
            if recipe.id not in done:
                raise _lost(recipe)
        return done[recipe.id]

    def adopt(self, model: LatentModel, dataset: Component) -> Recipe:
        """Record a user's model, and return its recipe.

        Raises:
            VaehubError: If it does not fit the data.
        """
        recipe = self.builder.adopt(model, dataset)
        if not self._finished([recipe]):
            self.store.prepare()
            with self.store.working_on(recipe.id):
                self.builder.record_in_memory(recipe)
        return recipe

    def trained(self, recipe: Recipe) -> Trained:
        """Return the model of a recipe, which callers must not change, and its data; raises as :meth:`train`."""
        return self.builder.trained(recipe, self.train(recipe, [], force=False))

    def restored(self, recipe: Recipe) -> Trained:
        """Return a model of a recipe that the caller may change, and its data; raises as :meth:`train`."""
        self.train(recipe, [], force=False)
        return self.builder.restore(recipe)

    def _train_together(self, plans: Sequence[RunPlan], *, force: bool) -> set[str]:
        """Train missing recipes as one batched program if there are several, and return their ids.

        Raises:
            VaehubError: As :meth:`train`.
            WorkFailed: If a training fails, when all have ended.
        """
        done = {} if force else self._finished([each for plan in plans for each in (*plan.stages, plan.recipe)])
        jobs = []
        for plan in plans:
            passed = [*plan.stages, plan.recipe]
            if missing := [each for each in passed if each.id not in done]:
                jobs.append(self._job(missing, passed, plan.of_trainings))
        if len(jobs) < 2 or len({job.recipe.train.length for job in jobs}) > 1:
            return set()  # each is trained by itself
        self.store.prepare()
        with ExitStack() as locks:
            for job in sorted(jobs, key=lambda each: each.recipe.id):
                locks.enter_context(self.store.working_on(job.recipe.id))
            done = {} if force else self._finished([job.recipe for job in jobs])
            left = [job for job in jobs if job.recipe.id not in done]
            if len(left) > 1:
                self.builder.train_together(left, force=force)
                return {job.recipe.id for job in left}
            return set()

    def _job(
        self, missing: Sequence[Recipe], passed: Sequence[Recipe], wanted: Sequence[MeasurementRequest]
    ) -> TrainingJob:
        """Return a training job, after every metric to be measured has accepted its model and data.

        Args:
            missing: What is to be recorded, with growing numbers of epochs.
            passed: The same, and what is recorded already: they have the same model before they are trained.
            wanted: What will be measured.
        """
        *snapshots, recipe = missing
        job = self.builder.job(recipe, snapshots)
        ids = {each.id for each in passed}
        others = [each for request in wanted for each in request.subject.trainings if each.id not in ids]
        models = ArgumentModels(self.builder, self._finished(others), dict.fromkeys(ids, (job.model, job.data)))
        for request in wanted:
            request.subject.check(self._metric(request), models)
        return job

    def _finished(self, recipes: Sequence[Recipe]) -> dict[str, TrainingRecord]:
        """Return the records of the trainings that are stored and succeeded, by id."""
        if not recipes:
            return {}
        with self.store.session() as session:
            found = session.trainings([recipe.id for recipe in recipes])
        return {name: record for name, record in found.items() if record.status == "done"}

    # Measurements

    def known(self, measurement_ids: Sequence[str]) -> dict[str, Measurement]:
        """Return the measurements that are stored and succeeded, by id."""
        stored = self.store.find_many(measurement_ids)
        return {name: self._reused(found) for name, found in stored.items() if found.record.status == "done"}

    def stored(self, measurement_id: str) -> Measurement:
        """Return a measurement from the store; raises :class:`StoreError` if it is there no more."""
        found = self.store.find_many([measurement_id]).get(measurement_id)
        if found is None:
            raise gone("measurement", measurement_id)
        return self._reused(found)

    def _reused(self, found: StoredMeasurement) -> Measurement:
        """Return a measurement that was read from the store."""
        return self._measurement(found.record, found.result, found.training, reused=True)

    def _measurement(
        self, record: MeasurementRecord, result: Result, training: TrainingRecord | None, *, reused: bool
    ) -> Measurement:
        # A function of its own, since a copy of a measurement would copy what a method is bound to.
        return Measurement(record, result, training, reused, find_metric=lambda each: self.metric_of(each))

    def measure(self, request: MeasurementRequest, *, force: bool) -> Measurement:
        """Return a measurement from the store, or measure now; raises as :meth:`measure_all`."""
        [found] = self.measure_all([request], force=force)
        return found

    def measure_all(self, asked: Sequence[MeasurementRequest], *, force: bool) -> list[Measurement]:
        """Return measurements from the store, or measure now.

        Raises:
            VaehubError: If what is to be measured cannot be had; nothing is recorded.
            WorkFailed: If a measurement, or a training that it needs, fails; that is recorded, as is all before.
        """
        known = {} if force else self.known([request.id for request in asked])
        return [known.get(request.id) or self._measured(request, force=force) for request in asked]

    def metric_of(self, record: MeasurementRecord) -> Metric:
        """Return the metric that made a record, with its parameters, to show stored values: in any revision."""
        from vaehub.core import metric

        stored = record.request["metric"]
        component = requests.restored_component(self.catalog, "metric", requests.mapping(stored), any_revision=True)
        return self.builder.metric(component, metric.Metric, record.seed)

    def record_failure(self, request: MeasurementRequest, why: str) -> None:
        """Record a measurement that failed before it began, or whose process died at it."""
        record = _record_of(request, why, now(), 0.0)
        if record.training is not None and self.store.training(record.training) is None:
            record = replace(record, training=None)
        self.store.record_measurement(record, Result())

    def _measured(
        self, request: MeasurementRequest, *, force: bool, done: Mapping[str, TrainingRecord] | None = None
    ) -> Measurement:
        """Measure, unless another process has done so meanwhile.

        Args:
            request: What.
            force: Measure even what is stored.
            done: Trainings that are known to be stored.
        """
        subject, metric = request.subject, self._metric(request)
        if done is None or any(recipe.id not in done for recipe in subject.trainings):
            done = self._finished(subject.trainings)
        if any(recipe.id not in done for recipe in subject.trainings):
            for recipe in subject.trainings:
                self.train(recipe, [request], force=False)
            done = self._finished(subject.trainings)
            for recipe in subject.trainings:
                if recipe.id not in done:
                    raise _lost(recipe)
        arguments = subject.check(metric, ArgumentModels(self.builder, done))
        self.store.prepare()
        with self.store.working_on(request.id):
            if not force and (found := self.known([request.id])):
                return found[request.id]
            started, clock = now(), time.perf_counter()
            result, failure = Result(), None
            try:
                with self.builder.threads_of(metric, subject.trainings):
                    result = subject.result(metric, arguments, RecipeRunner(self, request.seed))
            except KeyboardInterrupt:
                raise
            # A stranger's metric runs here, and what it raises need be no Exception.
            except BaseException as error:  # noqa: BLE001
                failure = error
            why = None if failure is None else self.catalog.reason(failure, type(metric).measure)
            record = _record_of(request, why, started, time.perf_counter() - clock)
            record = replace(record, units=self._units(request.metric))
            self.store.record_measurement(record, result, replace=force)
            if failure is not None:
                title = f"measurement {record.id[:8]} of metric {record.metric!r} failed"
                raise WorkFailed(f"{title}: {why}") from failure
            tell_measured(self.catalog.manager, request, metric, result)
            return self._measurement(record, result, done.get(record.training or ""), reused=False)

    def _units(self, metric: Component) -> Mapping[str, str]:
        entry = self.catalog.find("metric", f"{metric.distribution}:{metric.name}").entry
        assert isinstance(entry, MetricEntry), "it is in the catalog as one"
        return entry.units

    def _metric(self, request: MeasurementRequest) -> Metric:
        return self.builder.metric(request.metric, request.subject.contract(), request.seed)


def _lost(recipe: Recipe) -> NotRecorded:
    return NotRecorded(
        f"training {recipe.id[:8]} was made and recorded, and the store has it no more: it was deleted or "
        "moved while this ran; the same command makes it again"
    )


def _record_of(request: MeasurementRequest, why: str | None, started: datetime, seconds: float) -> MeasurementRecord:
    ids = [recipe.id for recipe in request.subject.trainings]
    return MeasurementRecord(
        id=request.id,
        metric=request.metric.name,
        params=request.metric.params.identity(),
        seed=request.seed,
        subject=request.subject.key(),
        request=request.identity(),
        training=ids[0] if ids else None,
        other=ids[1] if len(ids) > 1 else None,
        status="done" if why is None else "failed",
        error=why,
        started=started,
        seconds=seconds,
    )
