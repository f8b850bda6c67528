"""The store: a directory that keeps every result."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import NDArray

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.result import Result
from vaehub.store import trainings
from vaehub.store.collection import collect
from vaehub.store.database import Database
from vaehub.store.deliveries import Deliveries
from vaehub.store.failures import translated
from vaehub.store.filing import Arrays, Filing
from vaehub.store.lock_timeout import lock_timeout
from vaehub.store.merge import Merged
from vaehub.store.place import place_of_store
from vaehub.store.prefixes import resolved
from vaehub.store.provenance import Provenance
from vaehub.store.prune import Pruned, Selection
from vaehub.store.published import Paper
from vaehub.store.query import QUERY_TIMEOUT
from vaehub.store.record_locks import RecordLocks
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord
from vaehub.store.rescue import Rescue
from vaehub.store.session import Session
from vaehub.store.verify import Verification, sweep

if TYPE_CHECKING:
    import pyarrow as pa

    from vaehub.store.checkpoint import FileCheckpoint
    from vaehub.store.spill import Spill

DEFAULT = Path("vaehub-store")
PATH = "VAEHUB_STORE"


class Store:
    """Trainings and measurements in a DuckDB file, weights and arrays in HDF5 files beside it.

    Use :meth:`open`. Nothing is written until something is recorded, and no file stays open between two calls, unless
    they are made inside :meth:`session`.

    Args:
        path: The directory.
        session: The rows; those of a worker process go to the process that started it.
        papers: Returns those whose figures are kept beside results.
    """

    def __init__(self, path: Path, session: Session, papers: Callable[[], Sequence[Paper]] | None = None) -> None:
        self.path = path
        self._session = session
        self._filing = Filing(path, session)
        self._locks = RecordLocks(path)
        self._papers = papers
        self._is_prepared = False
        self.deliveries = Deliveries(path / "jobs")

    @classmethod
    def open(
        cls,
        path: PathLike[str] | str | None = None,
        *,
        plugins: Mapping[str, str] | None = None,
        papers: Callable[[], Sequence[Paper]] | None = None,
        timeout: float | None = None,
        upgrades: bool = True,
    ) -> Self:
        """Return the store at a path, which need not exist yet.

        Args:
            path: Directory; ``VAEHUB_STORE``, else ``./vaehub-store``, if not given.
            plugins: Version of each distribution that contributes plugins, for the provenance.
            papers: Returns the papers whose figures are kept beside results; asked when something is first recorded.
            timeout: Seconds to wait for a file that another process holds; ``VAEHUB_LOCK_TIMEOUT``, else 60.
            upgrades: Whether a store of an earlier schema is brought up to date to be read, and not refused.

        Raises:
            StoreError: If the path cannot be a directory, or is one that the database cannot open.
        """
        folder = place_of_store(path or os.environ.get(PATH) or DEFAULT)
        file, wait = folder / "results.duckdb", lock_timeout() if timeout is None else timeout
        database = Database(file, wait, upgrades=upgrades)
        return cls(folder, Session(database, Provenance(dict(plugins or {}))), papers)

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self._session.exists

    @property
    def n_recorded(self) -> int:
        """How much has been recorded by this object."""
        return self._session.n_recorded

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the database once for many look-ups; a thread that is in one already stays in it.

        Other processes wait until the context ends, so do no work meanwhile.
        """
        with self._session.opened():
            yield self._session

    def prepare(self) -> None:
        """Make the store if there is none, and check that it can be written, before any work is done for it.

        Raises:
            StoreError: If it cannot be made, written or understood.
        """
        self._make_folders()
        if not (self._is_prepared and self.exists):
            self._session.prepare(() if self._papers is None else self._papers())
            self._is_prepared = True

    def _make_folders(self) -> None:
        try:
            self._filing.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"store {str(self.path)!r} cannot be made: {error.strerror}") from error
        if not (os.access(self.path, os.W_OK) and os.access(self._filing.folder, os.W_OK)):
            raise StoreError(f"store {str(self.path)!r} is not writable; name another with '--store'")

    # Trainings

    def training(self, training_id: str) -> TrainingRecord | None:
        """Return a training, or ``None``."""
        return self._session.trainings([training_id]).get(training_id)

    def epochs(self, training_id: str) -> list[dict[str, dict[str, float]]]:
        """Return the losses of each epoch of a training, by split and name."""
        return self._session.epochs(training_id)

    def record_training(
        self,
        record: TrainingRecord,
        epochs: Sequence[trainings.Losses],
        weights: Arrays | None,
        *,
        replace: bool = False,
    ) -> TrainingRecord | None:
        """Record a training, and return it with the name of its file; ``None`` if the store keeps the one it has.

        A failure never takes the place of a success, and a success only with ``replace``.

        Raises:
            NotRecorded: If the store cannot be written; nothing of the record is left in it.
        """
        return self._filing.training(record, epochs, weights, replace=replace)

    def weights(self, training_id: str) -> dict[str, NDArray[Any]]:
        """Return the weights of a training.

        Raises:
            StoreError: If they are missing or damaged.
        """
        return self._filing.arrays(self._session.file_of(training_id))

    # Measurements

    def find_many(self, measurement_ids: Sequence[str]) -> dict[str, StoredMeasurement]:
        """Return the measurements that are stored, by id, with values and arrays.

        Raises:
            StoreError: If arrays are missing or damaged.
        """
        return {name: self.with_arrays(found) for name, found in self._session.find_many(measurement_ids).items()}

    def measurement(self, measurement_id: str) -> MeasurementRecord | None:
        """Return a measurement, or ``None``."""
        found = self._session.find_many([measurement_id]).get(measurement_id)
        return None if found is None else found.record

    def measurements_of(self, training_id: str) -> list[MeasurementRecord]:
        """Return the measurements of a training, the oldest first."""
        return self._session.measurements_of(training_id)

    def record_measurement(self, record: MeasurementRecord, result: Result, *, replace: bool = False) -> bool:
        """Record a measurement and its values; return whether it was.

        A failure never takes the place of a success, and a success only with ``replace``.

        Raises:
            NotRecorded: If the store cannot be written; nothing of the record is left in it.
        """
        return self._filing.measurement(record, result, replace=replace)

    def result(self, measurement_id: str) -> Result:
        """Return the values and arrays of a measurement.

        Raises:
            StoreError: If its arrays are missing or damaged.
        """
        found = self.find_many([measurement_id]).get(measurement_id)
        return Result() if found is None else found.result

    # Everything

    def recent(self, limit: int = 20) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
        """Return the latest trainings and measurements, the latest first."""
        return self._session.recent(limit)

    def resolve(self, prefix: str) -> tuple[Literal["training", "measurement"], str]:
        """Return kind and id of the one record whose id begins so.

        Raises:
            VaehubError: If there is none, or more than one.
        """
        return resolved(self._session, self.path, prefix)

    def training_id(self, prefix: str) -> str:
        """Return the id of the one training whose id begins so.

        Raises:
            VaehubError: If there is none, or more than one record, or it is a measurement.
        """
        kind, found = self.resolve(prefix)
        if kind != "training":
            raise VaehubError(f"{prefix!r} is a measurement, and a training was expected")
        return found

    def query(self, text: str, *, timeout: float = QUERY_TIMEOUT) -> pa.Table:
        """Return the rows of an SQL query, which can read the store and do nothing else.

        Args:
            text: The query.
            timeout: Seconds after which it is given up; others wait for the store meanwhile.

        Raises:
            StoreError: If there is no store.
            WorkFailed: If it takes longer, or more memory than half of what is free.
            VaehubError: If the query is wrong, writes, or reaches outside the store.
        """
        self.must_exist()
        return self._session.query(text, timeout)

    def spilled(self, text: str, *, timeout: float = QUERY_TIMEOUT) -> Spill:
        """Return the rows of a query as :meth:`query` does, in little memory however many they are; close them.

        The store is given back when this returns: how long the rows take to be written keeps nobody waiting.
        """
        self.must_exist()
        return self._session.spilled(text, timeout)

    def verify(self, *, remove_leftovers: bool = False) -> Verification:
        """Read every value, check every checksum and pointer; optionally delete old files that nothing points at.

        Raises:
            StoreError: If there is no store.
        """
        self.must_exist()
        found = self._session.verify(self.path)
        if remove_leftovers:
            with translated(f"a file in {str(self.path)!r}", "written"):
                sweep(found.leftovers, self.is_worked_on)
        return found

    def rescue(self, target: Store) -> Rescue:
        """Copy what is whole into a store that is not there yet; this one stays as it is.

        Raises:
            StoreError: If there is no store, its database cannot be read at all, or the other one is there already or
                cannot be written.
        """
        self.must_exist()
        if target.path.exists() and (not target.path.is_dir() or any(target.path.iterdir())):
            raise StoreError(
                f"{str(target.path)!r} is there already, and a rescue makes a new store; name another folder"
            )
        try:
            target.prepare()
            return target._session.rescue(target._filing.folder, self._session, self._filing.folder)
        except BaseException:
            shutil.rmtree(target.path, ignore_errors=True)  # it was made here, and is no store that anybody wants
            raise

    def collect(self, jobs: Collection[str], *, are_over: bool = False) -> None:
        """Record what jobs away from the database have delivered.

        Args:
            jobs: Ids of the jobs.
            are_over: Whether they have ended, so that their files are deleted, and arrays that no row points at.
        """
        unwanted = collect(self.deliveries.delivered(jobs), self._session.collect, self._filing.folder)
        if are_over:
            self._filing.remove(sorted(unwanted))
            self.deliveries.remove(jobs)

    def merge(self, *others: PathLike[str] | str) -> list[Merged]:
        """Copy what other stores have and this one has not, by identity; they stay as they are.

        A failure gives way to a success. Where two successes have different values, this store keeps its own, and the
        difference is a conflict of the answer. Each of the others comes whole or not at all; to ask again goes on.

        Raises:
            StoreError: If one of them is no store, newer than this version, or damaged, or this one cannot be written;
                nothing of that one has been copied, and nothing of any if its database cannot be read.
        """
        sources = [Store.open(place) for place in others]
        with ExitStack() as stack:
            whole = [stack.enter_context(source._session.as_source(source.path)) for source in sources]
            is_new = not self.path.exists()
            self._make_folders()
            try:
                self._session.prepare(())
                return self._session.merge(self.path, whole)
            except BaseException:
                if is_new and not any(self.recent(1)):
                    shutil.rmtree(self.path, ignore_errors=True)  # it was made here, and nothing has come into it
                raise

    def prune(self, chosen: Selection, *, dry: bool = False) -> Pruned:
        """Remove what is chosen, and nothing that anything else needs.

        Args:
            chosen: Records, whose ids may be beginnings.
            dry: Change nothing, and say what would go.

        Raises:
            VaehubError: If nothing is chosen, there are no such records, or a training that is named by its id is
                needed by a measurement that stays.
            StoreError: If there is no store, it cannot be written, or records are being made in it.
        """
        chosen.check()
        self.must_exist()
        chosen = dataclasses.replace(chosen, ids=[self.resolve(each)[1] for each in chosen.ids])
        if not dry:
            self._make_folders()
            if (busy := self._locks.any_held()) is not None:
                raise StoreError(
                    f"store {str(self.path)!r} is being worked on ({busy[:8]} is being made), and what is made may "
                    "need what goes; prune it when that is done"
                )
        found = self._session.prune(chosen, self._filing.folder, dry=dry)
        if not dry:
            self._filing.remove(found.files)
        return found

    def burst(self) -> AbstractContextManager[object]:
        """Hold the database for many records in a row, each its own commit; other processes wait, so make it short."""
        self._filing.folder.mkdir(parents=True, exist_ok=True)
        return self._session.burst()

    def serving(self) -> AbstractContextManager[object]:
        """Hold the database for records and look-ups of workers in a row; let go when another process waits."""
        self._filing.folder.mkdir(parents=True, exist_ok=True)
        return self._session.serving()

    @property
    def is_awaited(self) -> bool:
        """Whether another process waits for the database, which this one holds."""
        return self._session.is_awaited

    def working_on(self, record_id: str) -> AbstractContextManager[None]:
        """Lock a record while it is made, across processes; the lock of a process that dies is released.

        Waits for as long as another process works on it. Whoever enters looks first whether the work has been done.
        """
        return self._locks.held(record_id)

    def is_worked_on(self, record_id: str) -> bool:
        """Return whether a process is making a record at this moment."""
        return self._locks.is_held(record_id)

    def checkpoint(self, training_id: str) -> FileCheckpoint:
        """Return the checkpoint file of a training."""
        # Brings torch along, which looking at results does not need.
        from vaehub.store.checkpoint import FileCheckpoint

        return FileCheckpoint(self.path / "checkpoints" / f"{training_id}.h5")

    def with_arrays(self, found: StoredMeasurement) -> StoredMeasurement:
        """Return a measurement with its arrays; raises as :meth:`find_many`."""
        return self._filing.whole(found)

    def must_exist(self) -> None:
        """Refuse to look at what is not there.

        Raises:
            StoreError: If nothing was ever recorded here.
        """
        if not self.exists:
            raise StoreError(
                f"there is no store at {str(self.path)!r}; 'vaehub run' makes one, '--store' names another"
            )
