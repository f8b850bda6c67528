"""A worker process: it does what it is told and never opens the database; its records go to the one writer."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.result import Result
from vaehub.hub.runner import Worker
from vaehub.hub.study.grid import Job
from vaehub.registry.catalog import Catalog
from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.ledger import Entered, Ledger
from vaehub.store.records import MeasurementRecord, TrainingRecord
from vaehub.store.store import Store
from vaehub.store.trainings import Losses

ASKABLE = frozenset({"training", "measurement", "values", "file_of", "enter_training", "enter_measurement"})
"""What a worker may ask of the ledger."""


@dataclass(frozen=True)
class Asked:
    """A call of the ledger, from a worker."""

    method: str
    arguments: tuple[Any, ...]
    replace: bool | None = None

    def of(self, ledger: Ledger) -> Any:
        """Carry the call out."""
        if self.method not in ASKABLE:
            raise StoreError(f"a worker asked the ledger for {self.method!r}")
        named = {} if self.replace is None else {"replace": self.replace}
        return getattr(ledger, self.method)(*self.arguments, **named)


@dataclass(frozen=True)
class Answer:
    """What the call came to."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Ended:
    """A job has ended.

    Attributes:
        failures: Reason for each measurement that could not be made; of a dry run, for one of them.
    """

    failures: Mapping[str, str]


class RemoteLedger(Ledger):
    """The ledger of a worker: every call goes to the process that started it."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    @property
    def exists(self) -> bool:
        """It does: whoever started the worker has seen to it."""
        return True

    def prepare(self) -> None:
        """Nothing is left to do."""

    def training(self, training_id: str) -> TrainingRecord | None:
        """As :meth:`Ledger.training`."""
        return cast("TrainingRecord | None", self._ask("training", training_id))

    def measurement(self, measurement_id: str) -> MeasurementRecord | None:
        """As :meth:`Ledger.measurement`."""
        return cast("MeasurementRecord | None", self._ask("measurement", measurement_id))

    def values(self, measurement_id: str) -> Result:
        """As :meth:`Ledger.values`."""
        return cast(Result, self._ask("values", measurement_id))

    def file_of(self, owner: str) -> StoredFile | None:
        """As :meth:`Ledger.file_of`."""
        return cast("StoredFile | None", self._ask("file_of", owner))

    def enter_training(
        self, record: TrainingRecord, epochs: Sequence[Losses], file: WrittenFile | None, *, replace: bool
    ) -> Entered:
        """As :meth:`Ledger.enter_training`."""
        return cast(Entered, self._ask("enter_training", record, epochs, file, replace=replace))

    def enter_measurement(
        self, record: MeasurementRecord, result: Result, file: WrittenFile | None, *, replace: bool
    ) -> Entered:
        """As :meth:`Ledger.enter_measurement`."""
        return cast(Entered, self._ask("enter_measurement", record, result, file, replace=replace))

    def _ask(self, method: str, *arguments: Any, replace: bool | None = None) -> object:
        self._line.send(Asked(method, arguments, replace))
        answer: Answer = self._line.recv()
        if answer.error is not None:
            raise answer.error
        return answer.value


def work(line: Connection, store: Path, device: str, threads: int) -> None:
    """Do job after job, until there are no more or whoever gives them is gone.

    Args:
        line: To the process that gives jobs and keeps the store.
        store: Its folder, for weights and arrays.
        device: Where to compute.
        threads: How many.
    """
    # An interruption is for whoever gives jobs to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    worker = Worker(Store(store, RemoteLedger(line)), Catalog(), device)
    while True:
        job: Job | None = line.recv()
        if job is None:
            # Nothing is left to do, and libraries that are taken down in the wrong order would complain of it.
            os._exit(0)
        line.send(Ended(_tried(worker, job) if job.dry else _done(worker, job)))


def _tried(worker: Worker, job: Job) -> dict[str, str]:
    try:
        worker.try_out(job.recipes, job.wanted.values())
    except VaehubError as error:
        return {next(iter(job.wanted)): str(error)}
    return {}


def _done(worker: Worker, job: Job) -> dict[str, str]:
    from vaehub.hub.recorder import reason

    failures: dict[str, str] = {}
    if job.recipes:
        *stages, recipe = job.recipes
        try:
            worker.ensure_trained(recipe, job.of_training, stages=stages, force=False)
        # A stranger's code runs here; what is wrong with one job must not stop the others.
        except Exception as error:  # noqa: BLE001
            failures |= {request.id: reason(error) for request in job.of_training}
    for request, subject in job.wanted.values():
        if request.id in failures:
            continue
        try:
            worker.measured(request, subject, force=False)
        except Exception as error:  # noqa: BLE001 as above
            failures[request.id] = reason(error)
    return failures


def _end_with_parent() -> None:
    """End when the process that started this one has ended, however it did."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
