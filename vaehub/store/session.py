"""The rows of a store: everything that is in its database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.identity import Json
from vaehub.core.result import Result
from vaehub.store import arrays, collection, measurements, published, recording, studies, trainings
from vaehub.store.database import Database
from vaehub.store.errands import Parcel
from vaehub.store.failures import translated
from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.merge import Merged, Source, merge, source
from vaehub.store.provenance import Provenance
from vaehub.store.prune import Pruned, Selection, forget_lists, remove, selected
from vaehub.store.published import Paper
from vaehub.store.query import QUERY_TIMEOUT, query, spilled
from vaehub.store.recording import Incoming, Inserted
from vaehub.store.records import (
    CellRecord,
    MeasurementRecord,
    Outcome,
    StoredMeasurement,
    StudyRecord,
    TrainingRecord,
)
from vaehub.store.rescue import Rescue, rescue
from vaehub.store.rows import Rows
from vaehub.store.spill import Spill
from vaehub.store.trainings import Losses
from vaehub.store.verify import Verification, verify

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)


class Session:
    """Trainings, measurements, studies and published figures, in one DuckDB file.

    Inside :meth:`opened` the file is opened once, by the first call that needs it; outside, by each call.

    Args:
        database: The file.
        provenance: This process, which every record names.
    """

    def __init__(self, database: Database, provenance: Provenance) -> None:
        self._database = database
        self._provenance = provenance
        self._name = f"store {str(database.path.parent)!r}"
        self.n_recorded = 0
        """Records that this object has made: trainings, measurements, studies and their analyses."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self._database.path.is_file()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the database open until the context ends; other processes wait, so do no work meanwhile."""
        if not self.exists:
            yield  # there is nothing to open, and whatever is first recorded makes it
            return
        with self._held("read", self._database.session()):
            yield

    @contextmanager
    def burst(self) -> Iterator[None]:
        """Hold the database for many records in a row, each its own commit."""
        with self._held("written", self._database.held()):
            yield

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Hold the database for records and look-ups in a row, each record its own commit."""
        with ExitStack() as stack:
            with translated(self._name, "written"):
                stack.enter_context(self._database.held(confined=True))
            yield
            with translated(self._name, "written"):
                stack.close()

    @property
    def is_awaited(self) -> bool:
        """Whether another process waits for the database, which this one holds."""
        return self._database.is_awaited

    def prepare(self, papers: Iterable[Paper]) -> None:
        """Make the database if there is none, see that it can be written, and record the figures of papers."""
        with translated(self._name, "written"), self._database.held() as connection:
            present = published.sources(connection)
            new = [figure for paper in papers if paper.source not in present for figure in _figures(paper)]
            if new:
                with self._database.writing() as transaction:
                    published.insert(transaction, new)

    # What a worker process may ask too

    def find_many(self, measurement_ids: Sequence[str]) -> dict[str, StoredMeasurement]:
        """Return the measurements that are stored, by id, without their arrays."""
        with self._reading() as connection:
            if connection is None or not measurement_ids:
                return {}
            records = measurements.find_many(connection, measurement_ids)
            if not records:
                return {}
            needed = [record.training for record in records.values() if record.training is not None]
            known = trainings.find_many(connection, needed)
            results = measurements.values(connection, list(records))
            files = arrays.files_of(connection, list(records))
        return {
            name: StoredMeasurement(
                replace(records[name], units=units), known.get(records[name].training or ""), result, files.get(name)
            )
            for name, (result, units) in results.items()
        }

    def trainings(self, training_ids: Sequence[str]) -> dict[str, TrainingRecord]:
        """Return the trainings that are stored, by id."""
        with self._reading() as connection:
            return {} if connection is None else trainings.find_many(connection, training_ids)

    def file_of(self, owner: str) -> StoredFile | None:
        """Return the file of a training's weights or a measurement's arrays."""
        with self._reading() as connection:
            return None if connection is None else arrays.files_of(connection, [owner]).get(owner)

    def ids(self, prefix: str) -> list[tuple[Literal["training", "measurement"], str]]:
        """Return kind and id of the records whose id begins so."""
        with self._reading() as connection:
            if connection is None:
                return []
            found: list[tuple[Literal["training", "measurement"], str]] = []
            found += [("training", each) for each in trainings.ids(connection, prefix)]
            found += [("measurement", each) for each in measurements.ids(connection, prefix)]
            return found

    def insert_training(
        self, record: TrainingRecord, epochs: Sequence[Losses], file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """Record a training, whose weights are in a file.

        A failure never takes the place of a success, and a success only with ``replace``.
        """

        def rows(process: str) -> Rows:
            return trainings.rows(record, epochs, process)

        return self._record(Incoming(trainings, record, file, rows, replace))

    def insert_measurement(
        self, record: MeasurementRecord, result: Result, file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """Record a measurement and its values; its arrays are in a file.

        A failure never takes the place of a success, and a success only with ``replace``.
        """

        def rows(process: str) -> Rows:
            return measurements.rows(record, result, process)

        return self._record(Incoming(measurements, record, file, rows, replace))

    # Jobs away from the database

    def known(self, training_ids: Sequence[str]) -> dict[str, tuple[TrainingRecord, StoredFile | None]]:
        """Return the trainings that are stored and succeeded, by id, with the files of their weights."""
        with self._reading() as connection:
            if connection is None:
                return {}
            found = trainings.find_many(connection, training_ids)
            files = arrays.files_of(connection, list(found))
        return {name: (record, files.get(name)) for name, record in found.items() if record.status == "done"}

    def collect(self, parcels: Sequence[Parcel]) -> set[str]:
        """Record what jobs have delivered; returns as :func:`vaehub.store.collection.record` does."""
        with self._writing() as connection:
            return collection.record(connection, parcels)

    # What is shown

    def outcomes(self, measurement_ids: Sequence[str]) -> dict[str, Outcome]:
        """Return the outcomes of the measurements that are recorded."""
        with self._reading() as connection:
            return {} if connection is None else measurements.outcomes(connection, measurement_ids)

    def epochs(self, training_id: str) -> list[dict[str, dict[str, float]]]:
        """Return the losses of each epoch of a training, by split and name."""
        with self._reading() as connection:
            return [] if connection is None else trainings.epochs(connection, training_id)

    def measurements_of(self, training_id: str) -> list[MeasurementRecord]:
        """Return the measurements of a training, the oldest first."""
        with self._reading() as connection:
            return [] if connection is None else measurements.of_training(connection, training_id)

    def recent(self, limit: int) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
        """Return the latest trainings and measurements, the latest first."""
        with self._reading() as connection:
            if connection is None:
                return [], []
            return trainings.recent(connection, limit), measurements.recent(connection, limit)

    def query(self, text: str, timeout: float = QUERY_TIMEOUT) -> pa.Table:
        """Return the rows of an SQL query, which can read the store and do nothing else.

        Args:
            text: The query.
            timeout: Seconds after which it is given up.

        Raises:
            StoreError: If a burst is being recorded.
            VaehubError: If the query is wrong, writes, or reaches outside the store.
        """
        with self._querying() as connection:
            return query(connection, text, timeout)

    def spilled(self, text: str, timeout: float = QUERY_TIMEOUT) -> Spill:
        """Return the rows of a query as :meth:`query` does, in little memory however many they are."""
        with self._querying() as connection:
            return spilled(connection, text, timeout)

    @contextmanager
    def _querying(self) -> Iterator[DuckDBPyConnection]:
        if self._database.is_held:
            raise StoreError("a query cannot be asked in the middle of a burst of records")
        with translated(self._name, "read"), self._database.querying() as connection:
            yield connection

    def verify(self, path: Path) -> Verification:
        """Read every value, and check every checksum and pointer.

        Args:
            path: The store's folder.
        """
        with translated(self._name, "read"):
            return verify(self._database.session, self._database.reading_anew, path)

    def rescue(self, path: Path, source: Session, source_files: Path) -> Rescue:
        """Copy what is whole of another store into this one, all of it or nothing.

        Args:
            path: Folder of this store's files.
            source: The other store's rows.
            source_files: Folder of its files.
        """
        with translated(source._name, "rescued"), self._database.writing() as connection:
            return rescue(source._database.as_it_is, source_files, connection, path)

    def as_source(self, path: Path) -> AbstractContextManager[Source]:
        """Give the store of this folder to be merged into another, once it is known to be whole."""
        return source(path, self._database)

    def merge(self, path: Path, sources: Sequence[Source]) -> list[Merged]:
        """Copy what other stores have and this one has not.

        Args:
            path: Folder of this store.
            sources: The others.
        """
        return merge(self._database, path, sources)

    def prune(self, chosen: Selection, files: Path, *, dry: bool) -> Pruned:
        """Remove the rows of what is chosen, unless it is only asked what would go.

        Args:
            chosen: The records.
            files: Folder of this store's files, which stay.
            dry: Whether to change nothing.
        """
        if dry:
            with translated(self._name, "read"), self._database.reading() as connection:
                return selected(connection, chosen, files)
        with self._writing() as connection:
            found = selected(connection, chosen, files)
            remove(connection, chosen)
            forget_lists(connection)
            return replace(found, is_done=True)

    # Studies

    def insert_study(self, study: str, scale: str, title: str, definition: Json, cells: Sequence[CellRecord]) -> None:
        """Record what a study asks for at a scale, in the place of what it asked for before."""
        with self._writing() as connection:
            studies.insert(connection, study, scale, title, definition, cells)
        self.n_recorded += 1

    def insert_analysis(self, study: str, scale: str, name: str, cell: CellRecord) -> None:
        """Record an analysis of a study's results, in the place of that of earlier results."""
        with self._writing() as connection:
            studies.insert_analysis(connection, study, scale, name, cell)
        self.n_recorded += 1

    def cells(self, study: str, scale: str) -> list[CellRecord]:
        """Return what a study asks for at a scale, in order, analyses last."""
        with self._reading() as connection:
            return [] if connection is None else studies.cells(connection, study, scale)

    def studies(self) -> list[StudyRecord]:
        """Return the studies that were asked for, the latest first."""
        with self._reading() as connection:
            return [] if connection is None else studies.known(connection)

    @contextmanager
    def _held(self, doing: str, holding: AbstractContextManager[object]) -> Iterator[None]:
        """Hold the database; of what goes wrong meanwhile, only what the holding says is translated."""
        with ExitStack() as stack:
            with translated(self._name, doing):
                stack.enter_context(holding)
            yield

    @contextmanager
    def _reading(self) -> Iterator[DuckDBPyConnection | None]:
        if not self.exists:
            yield None
            return
        with translated(self._name, "read"), self._database.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[DuckDBPyConnection]:
        with translated(self._name, "written"), self._database.writing() as connection:
            yield connection

    def _record(self, incoming: Incoming) -> Inserted:
        with translated(self._name, "written"):
            inserted = recording.record(self._database, self._provenance, incoming)
        self.n_recorded += inserted.recorded
        return inserted


def _figures(paper: Paper) -> list[published.Figure]:
    """Return the figures of a paper; none, with a warning, of one that cannot be read: no work depends on them."""
    try:
        return paper.figures()
    except VaehubError as error:
        log.warning("%s; they are left out", error)
        return []
