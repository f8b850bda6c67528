"""Runs of MLflow, found again by id: one for each training, with what was measured of it, and one for each study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from filelock import FileLock

from vaehub import Result
from vaehub.registry import hookimpl
from vaehub.registry.run_names import metric_name, require, run_name, settings, values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "vaehub"
DATABASE = "mlflow.db"
TAG = "vaehub.id"
"""Tag of a run with the id of its training, measurement or study."""
PARENT = "mlflow.parentRunId"
"""Tag by which MLflow shows a run below another."""
ENDS = {"done": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
"""MLflow's words for how a run ended."""
BATCH = 1000
"""Numbers that MLflow takes at once."""
LONGEST = 6000
"""Characters of a parameter; MLflow refuses more. The recipe is whole in ``recipe.json``."""


@final
class MLflow:
    """Sends what it hears to MLflow.

    Args:
        where: Address of a server or a database, or a folder, which has a database and files of its own.

    Raises:
        VaehubError: If MLflow is not installed.
    """

    def __init__(self, where: str) -> None:
        require("mlflow", "mlflow")
        self._where = where
        self._folder = None if "://" in where else Path(where)
        if self._folder is not None:
            require("mlflow", "alembic")  # of which MLflow makes the tables of a database
        self._runs: dict[str, str] = {}
        self._study: str | None = None

    @hookimpl
    def vaehub_study_started(self, study_id: str, study: str, scale: str, definition: Mapping[str, Any]) -> None:
        """Begin the run of a study, or go on with it, and set what it asks for."""
        run = self._run(study_id, f"{study}-{scale}-{study_id[:8]}")
        self._client.update_run(run, status="RUNNING")
        self._client.log_dict(run, dict(definition), "study.json")
        self._study = run

    @hookimpl
    def vaehub_study_ended(
        self,
        study_id: str,
        trainings: Sequence[str],
        status: str,
        seconds: float,
        counts: Mapping[str, int],
        error: str | None,
    ) -> None:
        """End the run of a study, and nest those of its trainings below it, unless another study has them."""
        run, self._study = self._runs[study_id], None
        for training in trainings:
            child = self._found(training)
            if child is not None and PARENT not in child.data.tags:
                self._client.set_tag(child.info.run_id, PARENT, run)
        self._log(run, [(name, 0, number) for name, number in counts.items()] + [("seconds", 0, seconds)])
        self._end(run, status, error)

    @hookimpl
    def vaehub_training_started(self, training_id: str, recipe: Mapping[str, Any]) -> None:
        """Begin the run of a training, or go on with it, and set its recipe."""
        self._client.update_run(self._run_of(training_id, recipe), status="RUNNING")

    @hookimpl
    def vaehub_epoch_ended(self, training_id: str, epoch: int, losses: Mapping[str, Mapping[str, float]]) -> None:
        """Log the losses of an epoch, the first being 1."""
        found = [
            (f"loss/{name}/{split}", epoch + 1, value)
            for split, terms in losses.items()
            for name, value in terms.items()
        ]
        self._log(self._runs[training_id], found)

    @hookimpl
    def vaehub_trained(
        self, training_id: str, status: str, seconds: float, recipe: Mapping[str, Any], error: str | None
    ) -> None:
        """End the run of a training."""
        run = self._run_of(training_id, recipe)
        self._log(run, [("seconds", 0, seconds)])
        self._end(run, status, error)

    @hookimpl
    def vaehub_measured(
        self,
        measurement_id: str,
        metric: str,
        result: Result,
        params: Mapping[str, Any],
        subject: Mapping[str, object],
        trainings: Mapping[str, Mapping[str, Any]],
        plot: Callable[[], Figure | None],
    ) -> None:
        """Log values and plot in the run of the training; of anything but one training, in a run of its own."""
        name = metric_name(metric, params)
        if len(trainings) == 1:
            run = self._run_of(*next(iter(trainings.items())))
        else:
            run = self._run(measurement_id, f"{metric}-{measurement_id[:8]}")
        self._log(run, [(f"{name}/{value}", index, number) for value, index, number in values(result)])
        self._client.log_dict(run, {"id": measurement_id, "params": params, "of": subject}, f"{name}.json")
        figure = plot()
        if figure is not None:
            self._client.log_figure(run, figure, f"{name}.png")
        if len(trainings) != 1:
            self._client.set_terminated(run)

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        if self._folder is None:
            return MlflowClient(self._where)
        self._folder.mkdir(parents=True, exist_ok=True)
        # Workers that begin together would each make the tables of the database.
        with FileLock(self._folder / f"{DATABASE}.lock"):
            return MlflowClient(f"sqlite:///{self._folder / DATABASE}")

    @cached_property
    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        files = None if self._folder is None else (self._folder / "artifacts").as_uri()
        if (found := self._client.get_experiment_by_name(EXPERIMENT)) is None:
            with suppress(MlflowException):  # another worker has made it meanwhile, or the next line says what is wrong
                return str(self._client.create_experiment(EXPERIMENT, files))
            found = self._client.get_experiment_by_name(EXPERIMENT)
        return str(found.experiment_id)

    def _run_of(self, training_id: str, recipe: Mapping[str, Any]) -> str:
        """Return the run of a training, made with its recipe if there is none."""
        is_known = training_id in self._runs
        run = self._run(training_id, run_name(training_id, recipe))
        if not is_known:
            for name, value in settings(recipe).items():
                self._client.log_param(run, name, str(value)[:LONGEST])
            self._client.log_dict(run, dict(recipe), "recipe.json")
        return run

    def _run(self, of: str, name: str) -> str:
        if of not in self._runs:
            tags = {TAG: of} | ({} if self._study is None else {PARENT: self._study})
            run = self._found(of) or self._client.create_run(self._experiment, tags=tags, run_name=name)
            self._runs[of] = run.info.run_id
        return self._runs[of]

    def _found(self, of: str) -> Any:
        """Return the run of an id; ``None`` if there is none."""
        return next(iter(self._client.search_runs([self._experiment], f"tags.`{TAG}` = '{of}'", max_results=1)), None)

    def _end(self, run: str, status: str, error: str | None) -> None:
        if error is not None:
            self._client.set_tag(run, "vaehub.error", error)
        self._client.set_terminated(run, ENDS[status])

    def _log(self, run: str, numbers: list[tuple[str, int, float]]) -> None:
        """Log numbers; infinite ones as tags, since MLflow's databases would keep a finite number for them."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = [Metric(name, value, now, step) for name, step, value in numbers if not math.isinf(value)]
        for start in range(0, len(finite), BATCH):
            self._client.log_batch(run, metrics=finite[start : start + BATCH])
        for name, step, value in numbers:
            if math.isinf(value):
                self._client.set_tag(run, f"{name} at {step}", str(value))
