"""Worker process: it runs jobs, and hands its records to the one process that writes the database."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from vaehub.core.errors import NotRecorded, StoreError, VaehubError, WorkFailed
from vaehub.core.progress import current_listener
from vaehub.core.result import Result
from vaehub.hub.requests import MeasurementRequest, RunPlan
from vaehub.hub.runner import Runner
from vaehub.hub.study.grid import Job
from vaehub.hub.study.worker_memory import peak_of_process
from vaehub.hub.study.worker_progress import TellingListener
from vaehub.registry import trackers
from vaehub.registry.catalog import Catalog
from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.published import Paper
from vaehub.store.recording import Inserted
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord
from vaehub.store.session import Session
from vaehub.store.store import Store
from vaehub.store.trainings import Losses
from vaehub.training.threads import asked_by_environment, n_cores


@dataclass(frozen=True)
class Threads:
    """How many threads a worker has.

    Attributes:
        number: Of large work.
        is_asked: Whether the user has said so, for work of any size.
    """

    number: int
    is_asked: bool

    @classmethod
    def among(cls, n_workers: int) -> Threads:
        """Return the threads of each worker: its share of the cores, unless the user has said."""
        asked = asked_by_environment()
        return cls(max(1, n_cores() // n_workers) if asked is None else asked, asked is not None)


@dataclass(frozen=True)
class PlanJob:
    """The work of one seed of a run: a training and its measurements, which end at the first failure.

    Attributes:
        plan: What is to be made.
        force: Train and measure even what is stored.
    """

    plan: RunPlan
    force: bool = False
    dry: ClassVar[bool] = False

    @property
    def wanted(self) -> dict[str, MeasurementRequest]:
        """What is measured, by id."""
        return {request.id: request for request in self.plan.requests}


ASKABLE = frozenset({"find_many", "trainings", "file_of", "ids", "insert_training", "insert_measurement"})
"""What a worker may ask of the store."""


@dataclass(frozen=True)
class StoreCall:
    """A call of a session, from a worker."""

    method: str
    arguments: tuple[Any, ...]
    replace: bool | None = None

    @property
    def records(self) -> bool:
        """Whether it changes the store."""
        return self.replace is not None

    def made_to(self, session: Session) -> Any:
        """Make the call."""
        if self.method not in ASKABLE:
            raise StoreError(f"a worker asked the store for {self.method!r}")
        named = {} if self.replace is None else {"replace": self.replace}
        return getattr(session, self.method)(*self.arguments, **named)


@dataclass(frozen=True)
class StoreReply:
    """What the call returned or raised."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Ended:
    """A job has ended.

    Attributes:
        failures: Reason for each measurement that could not be made; of a dry run, for one of them.
        reused: Measurements that the store had when their turn came.
        error: What a plan ended with, where it failed.
        is_dead: Whether the worker died at it.
        n_bytes: The most memory that the worker has taken so far.
    """

    failures: Mapping[str, str] = field(default_factory=dict)
    reused: frozenset[str] = frozenset()
    error: VaehubError | None = None
    is_dead: bool = False
    n_bytes: int = 0


class RemoteSession(Session):
    """The session of a worker: every call goes to the process that started it, which alone opens the database."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    @property
    def exists(self) -> bool:
        """It does: whoever started the worker has seen to it."""
        return True

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Nothing is opened here."""
        yield

    def prepare(self, papers: Iterable[Paper]) -> None:
        """Nothing is left to do."""

    def find_many(self, measurement_ids: Sequence[str]) -> dict[str, StoredMeasurement]:
        """As :meth:`Session.find_many`."""
        return cast("dict[str, StoredMeasurement]", self._ask("find_many", measurement_ids))

    def trainings(self, training_ids: Sequence[str]) -> dict[str, TrainingRecord]:
        """As :meth:`Session.trainings`."""
        return cast("dict[str, TrainingRecord]", self._ask("trainings", training_ids))

    def file_of(self, owner: str) -> StoredFile | None:
        """As :meth:`Session.file_of`."""
        return cast("StoredFile | None", self._ask("file_of", owner))

    def ids(self, prefix: str) -> list[tuple[Literal["training", "measurement"], str]]:
        """As :meth:`Session.ids`."""
        return cast('list[tuple[Literal["training", "measurement"], str]]', self._ask("ids", prefix))

    def insert_training(
        self, record: TrainingRecord, epochs: Sequence[Losses], file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """As :meth:`Session.insert_training`."""
        return cast(Inserted, self._ask("insert_training", record, epochs, file, replace=replace))

    def insert_measurement(
        self, record: MeasurementRecord, result: Result, file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """As :meth:`Session.insert_measurement`."""
        return cast(Inserted, self._ask("insert_measurement", record, result, file, replace=replace))

    def _ask(self, method: str, *arguments: Any, replace: bool | None = None) -> object:
        self._line.send(StoreCall(method, arguments, replace))
        reply: StoreReply = self._line.recv()
        if reply.error is not None:
            raise reply.error
        return reply.value


def work(line: Connection, store: Path, device: str, threads: Threads, *, n_workers: int, shows_progress: bool) -> None:
    """Do job after job, until there are no more or whoever gives them is gone.

    Args:
        line: To the process that gives jobs and keeps the store.
        store: Its folder, for weights and arrays.
        device: Where to compute.
        threads: How many.
        n_workers: Of how many workers this is one.
        shows_progress: Whether that process shows the progress of work.
    """
    # An interruption is for whoever gives jobs to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(threads.number)
    share = None if threads.is_asked else threads.number
    catalog = Catalog()
    trackers.add_what_can_be(catalog.manager, trackers.asked())
    runner = Runner(Store(store, RemoteSession(line)), catalog, device, share=share, n_workers=n_workers)
    current_listener.set(TellingListener(line.send) if shows_progress else None)
    while True:
        job: Job | PlanJob | None = line.recv()
        if job is None:
            # Nothing is left to do, and libraries that are taken down in the wrong order would complain of it.
            if sys.stdout is not None:
                sys.stdout.flush()
            os._exit(0)
        line.send(replace(_ended(runner, job), n_bytes=peak_of_process()))


def _ended(runner: Runner, job: Job | PlanJob) -> Ended:
    if isinstance(job, PlanJob):
        return _run(runner, job)
    if not job.dry:
        return Ended(runner.run_all(job.recipes, job.wanted.values()))
    try:
        runner.try_out(job.recipes, job.wanted.values())
    except VaehubError as error:
        return Ended({next(iter(job.wanted)): str(error)})
    return Ended()


def _run(runner: Runner, job: PlanJob) -> Ended:
    try:
        found = runner.run([job.plan], force=job.force)
    except VaehubError as error:
        return Ended(error=_sent(error))
    return Ended(reused=frozenset(each.id for each in found if each.reused))


def _sent(error: VaehubError) -> VaehubError:
    """Return an error as another process can have it: a stranger's class may not be there, or hold what cannot go."""
    kind = next(each for each in (NotRecorded, WorkFailed, StoreError, VaehubError) if isinstance(error, each))
    sent = kind(str(error))
    sent.add_note(f"in a worker process:\n{''.join(traceback.format_exception(error))}")
    return sent


def _end_with_parent() -> None:
    """End when the process that started this one has ended, however it did."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
