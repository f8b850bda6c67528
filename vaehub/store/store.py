"""The store: a directory that keeps every answer."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import duckdb
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.progress import task
from vaehub.core.result import Result
from vaehub.store import arrays, measurements, trainings
from vaehub.store.database import Database
from vaehub.store.files import StoredFile, read_arrays, write_arrays
from vaehub.store.provenance import Provenance
from vaehub.store.query import query
from vaehub.store.records import MeasurementRecord, Status, TrainingRecord
from vaehub.store.verify import Verification, sweep, verify

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from vaehub.store.checkpoint import FileCheckpoint

DEFAULT = Path("vaehub-store")
PATH = "VAEHUB_STORE"
LOCK_TIMEOUT = "VAEHUB_LOCK_TIMEOUT"
DEFAULT_LOCK_TIMEOUT = 60.0

Arrays = Mapping[str, "NDArray[Any]"]


class _Table(Protocol):
    """What the modules of trainings and measurements have in common."""

    def status(self, connection: DuckDBPyConnection, record_id: str, /) -> Status | None: ...
    def forget(self, connection: DuckDBPyConnection, record_id: str, /) -> None: ...


class Store:
    """Trainings and measurements in a DuckDB file, weights and arrays in HDF5 files beside it.

    Use :meth:`open`. Nothing is written until something is recorded, and no file stays open between two calls.
    """

    def __init__(self, path: Path, *, plugins: Mapping[str, str], timeout: float) -> None:
        self.path = path
        self._database = Database(path / "results.duckdb", timeout)
        self._files = path / "arrays"
        self._provenance = Provenance(dict(plugins))

    @classmethod
    def open(
        cls, path: Path | str | None = None, *, plugins: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Self:
        """Return the store at a path, which need not exist yet.

        Args:
            path: Directory; ``VAEHUB_STORE``, else ``./vaehub-store``, if not given.
            plugins: Version of each distribution that contributes plugins, for the provenance.
            timeout: Seconds to wait for a file that another process holds; ``VAEHUB_LOCK_TIMEOUT``, else 60.

        Raises:
            StoreError: If the path cannot be a directory.
        """
        folder = Path(path or os.environ.get(PATH) or DEFAULT).expanduser()
        if folder.exists() and not folder.is_dir():
            raise StoreError(
                f"store {str(folder)!r} is a file, and a store is a directory; name another with '--store'"
            )
        return cls(folder, plugins=plugins or {}, timeout=_lock_timeout() if timeout is None else timeout)

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self._database.path.is_file()

    def prepare(self) -> None:
        """Make the store if there is none, and check that it can be written, before any work is done for it.

        Raises:
            StoreError: If it cannot be made, written or understood.
        """
        try:
            self._files.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"store {str(self.path)!r} cannot be made: {error.strerror}") from error
        if not (os.access(self.path, os.W_OK) and os.access(self._files, os.W_OK)):
            raise StoreError(f"store {str(self.path)!r} is not writable; name another with '--store'")
        with self._database.held():
            pass

    # Trainings

    def training(self, training_id: str) -> TrainingRecord | None:
        """Return a training, or ``None``."""
        with self._reading() as connection:
            return None if connection is None else trainings.find(connection, training_id)

    def epochs(self, training_id: str) -> list[dict[str, dict[str, float]]]:
        """Return the losses of each epoch of a training, by part and name."""
        with self._reading() as connection:
            return [] if connection is None else trainings.epochs(connection, training_id)

    def record_training(
        self,
        record: TrainingRecord,
        epochs: Sequence[trainings.Losses],
        weights: Arrays | None,
        *,
        replace: bool = False,
    ) -> bool:
        """Record a training; return whether it was.

        A failure never takes the place of a success, and a success only with ``replace``.
        """
        file = None if weights is None else write_arrays(self._files, f"training-{record.id}", weights)
        stored = dataclasses.replace(record, weights=file.name if file else None)

        def write(connection: DuckDBPyConnection, provenance: str) -> None:
            trainings.store(connection, stored, epochs, provenance)
            if weights and file:
                arrays.store(connection, record.id, weights, file)

        return self._record(trainings, record, file, write, replace=replace)

    def weights(self, training_id: str) -> dict[str, NDArray[Any]]:
        """Return the weights of a training.

        Raises:
            StoreError: If they are missing or damaged.
        """
        return self._arrays(training_id)

    # Measurements

    def measurement(self, measurement_id: str) -> MeasurementRecord | None:
        """Return a measurement, or ``None``."""
        with self._reading() as connection:
            return None if connection is None else measurements.find(connection, measurement_id)

    def measurements_of(self, training_id: str) -> list[MeasurementRecord]:
        """Return the measurements of a training, the oldest first."""
        with self._reading() as connection:
            return [] if connection is None else measurements.of_training(connection, training_id)

    def record_measurement(self, record: MeasurementRecord, result: Result, *, replace: bool = False) -> bool:
        """Record a measurement and its values; return whether it was.

        A failure never takes the place of a success, and a success only with ``replace``.
        """
        file = write_arrays(self._files, f"measurement-{record.id}", result.arrays) if result.arrays else None

        def write(connection: DuckDBPyConnection, provenance: str) -> None:
            measurements.store(connection, record, result, provenance)
            if file:
                arrays.store(connection, record.id, result.arrays, file)

        return self._record(measurements, record, file, write, replace=replace)

    def result(self, measurement_id: str) -> Result:
        """Return the values and arrays of a measurement.

        Raises:
            StoreError: If its arrays are missing or damaged.
        """
        with self._reading() as connection:
            found = Result() if connection is None else measurements.values(connection, measurement_id)
        return Result(found.scalars, found.vectors, found.tables, self._arrays(measurement_id))

    # Everything

    def recent(self, limit: int = 20) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
        """Return the latest trainings and measurements, the latest first."""
        with self._reading() as connection:
            if connection is None:
                return [], []
            return trainings.recent(connection, limit), measurements.recent(connection, limit)

    def resolve(self, prefix: str) -> tuple[Literal["training", "measurement"], str]:
        """Return kind and id of the one record whose id begins so.

        Raises:
            VaehubError: If there is none, or more than one.
        """
        with self._reading() as connection:
            if connection is None or not prefix:
                found = []
            else:
                kinds: list[tuple[Literal["training", "measurement"], list[str]]] = [
                    ("training", trainings.ids(connection, prefix)),
                    ("measurement", measurements.ids(connection, prefix)),
                ]
                found = [(kind, each) for kind, ids in kinds for each in ids]
        if not found:
            raise VaehubError(
                f"nothing in store {str(self.path)!r} has an id that begins with {prefix!r}; see 'vaehub show'"
            )
        if len(found) > 1:
            some = ", ".join(each for _, each in found[:3])
            raise VaehubError(
                f"{len(found)} records have an id that begins with {prefix!r} ({some} …); give more of it"
            )
        return found[0]

    def query(self, text: str) -> pa.Table:
        """Return the rows of an SQL query, which can read the store and do nothing else.

        Raises:
            StoreError: If there is no store.
            VaehubError: If the query is wrong, writes, or reaches outside the store.
        """
        if not self.exists:
            raise StoreError(
                f"there is no store at {str(self.path)!r}; 'vaehub run' makes one, '--store' names another"
            )
        if self._database.is_held:
            raise StoreError("a query cannot be asked in the middle of a burst of records")
        with self._database.reading() as connection:
            return query(connection, text)

    def verify(self, *, remove_leftovers: bool = False) -> Verification:
        """Check every checksum and pointer; optionally delete old files that nothing points at.

        Raises:
            StoreError: If there is no store.
        """
        if not self.exists:
            raise StoreError(
                f"there is no store at {str(self.path)!r}; 'vaehub run' makes one, '--store' names another"
            )
        with self._database.reading() as connection:
            found = verify(connection, self._files)
        if remove_leftovers:
            sweep(found.leftovers)
        return found

    def burst(self) -> AbstractContextManager[object]:
        """Hold the database for many records in a row, each its own commit; other processes wait, so make it short."""
        self._files.mkdir(parents=True, exist_ok=True)
        return self._database.held()

    @contextmanager
    def working_on(self, record_id: str) -> Iterator[None]:
        """Keep other processes from doing the same work at the same time; a process that dies lets go.

        Waits for as long as another process works on it. Whoever enters looks first whether the work has been done.
        """
        path = self.path / "locks" / f"{record_id}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with task(f"waiting for another process that makes {record_id[:8]}"):
                lock.acquire()
        try:
            yield
            # Recorded by now: a process that still waits on this file, and one that makes it anew, both find that out.
            path.unlink(missing_ok=True)
        finally:
            lock.release()

    def checkpoint(self, training_id: str) -> FileCheckpoint:
        """Return the place for the state of a training that has not ended."""
        # Brings torch along, which looking at results does not need.
        from vaehub.store.checkpoint import FileCheckpoint

        return FileCheckpoint(self.path / "checkpoints" / f"{training_id}.h5")

    @contextmanager
    def _reading(self) -> Iterator[DuckDBPyConnection | None]:
        if not self.exists:
            yield None
            return
        with self._database.reading() as connection:
            yield connection

    def _arrays(self, owner: str) -> dict[str, NDArray[Any]]:
        with self._reading() as connection:
            file = None if connection is None else arrays.file_of(connection, owner)
        return {} if file is None else read_arrays(self._files / file.name, file.sha256)

    def _record(
        self,
        table: _Table,
        record: TrainingRecord | MeasurementRecord,
        file: StoredFile | None,
        write: Callable[[DuckDBPyConnection, str], None],
        *,
        replace: bool,
    ) -> bool:
        """Write a record in one transaction; return whether it was. Files go when no row points at them any more."""
        unwanted = None
        try:
            with self._database.writing() as connection:
                write(connection, self._provenance.store(connection))
        except duckdb.ConstraintException:
            # There is a record of this id. That is rare, and asking first would cost every other record a query.
            with self._database.writing() as connection:
                if table.status(connection, record.id) == "done" and not (replace and record.status == "done"):
                    self._remove(file)
                    return False
                unwanted = arrays.file_of(connection, record.id)
                table.forget(connection, record.id)
                arrays.forget(connection, record.id)
                write(connection, self._provenance.store(connection))
        self._provenance.is_stored = True
        self._remove(unwanted)
        return True

    def _remove(self, unwanted: StoredFile | None) -> None:
        if unwanted is not None:
            (self._files / unwanted.name).unlink(missing_ok=True)


def _lock_timeout() -> float:
    given = os.environ.get(LOCK_TIMEOUT) or DEFAULT_LOCK_TIMEOUT
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise StoreError(f"{LOCK_TIMEOUT} is {given!r} and should be a number of seconds")
    return seconds
