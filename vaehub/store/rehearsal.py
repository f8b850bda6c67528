"""An in-memory store of made-up records, to try queries before there are results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from vaehub.core.result import Result
from vaehub.store import measurements, studies, trainings
from vaehub.store.failures import translated
from vaehub.store.query import query
from vaehub.store.reader import READ_ONLY
from vaehub.store.records import CellRecord, MeasurementRecord, TrainingRecord
from vaehub.store.rows import insert
from vaehub.store.schema import migrate

if TYPE_CHECKING:
    import pyarrow as pa


class RehearsalStore:
    """Trainings, measurements and what a study asks for, in a database in memory; use :meth:`made`.

    Args:
        connection: To the database.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[RehearsalStore]:
        """Make one, which is gone when the context ends."""
        with translated("a database in memory", "used"), duckdb.connect() as connection:
            migrate(connection)
            yield cls(connection)

    def insert_trainings(self, records: Sequence[TrainingRecord]) -> None:
        """Record trainings without losses."""
        for record in records:
            insert(self._connection, trainings.rows(record, [], ""))

    def insert_measurements(self, records: Sequence[MeasurementRecord], result: Result) -> None:
        """Record measurements that all have the same result."""
        for record in records:
            insert(self._connection, measurements.rows(record, result, ""))

    def insert_study(self, study: str, scale: str, cells: Sequence[CellRecord]) -> None:
        """Record what a study asks for, analyses with it."""
        points = [cell for cell in cells if cell.cell is not None]
        studies.insert(self._connection, study, scale, "", {}, points)
        for cell in cells:
            if cell.cell is None:
                studies.insert_analysis(self._connection, study, scale, str(cell.settings["analysis"]), cell)

    def query(self, text: str) -> pa.Table:
        """Return the rows of a query, as a store would, once all is recorded.

        Raises:
            VaehubError: If the query is wrong, writes, or reaches outside.
        """
        # Tables are filled by the names of Python variables, which queries are not to see. Setting this twice fails.
        if not self._is_locked():
            for name, value in READ_ONLY.items():
                self._connection.execute(f"set {name} = {value}")
        return query(self._connection, text)

    def _is_locked(self) -> bool:
        [(locked,)] = self._connection.execute("select current_setting('lock_configuration')").fetchall()
        return bool(locked)
