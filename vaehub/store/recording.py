"""Recording trainings and measurements: one commit each, whatever dies, and whoever has recorded the same before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import duckdb

from vaehub.store import arrays, measurements
from vaehub.store.database import Database
from vaehub.store.errands import MOST, Parcel, carry_out
from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.provenance import Provenance
from vaehub.store.records import MeasurementRecord, Status, TrainingRecord
from vaehub.store.rows import Rows, insert

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class _Table(Protocol):
    """What the modules of trainings and measurements have in common."""

    @property
    def NAME(self) -> Literal["trainings", "measurements"]: ...  # noqa: N802 a constant of a module
    def status(self, connection: DuckDBPyConnection, record_id: str, /) -> Status | None: ...
    def origin(self, connection: DuckDBPyConnection, record_id: str, /) -> tuple[str, datetime] | None: ...
    def forget(self, connection: DuckDBPyConnection, record_id: str, /) -> None: ...


@dataclass(frozen=True)
class Inserted:
    """Outcome of recording something.

    Attributes:
        recorded: Whether it was; a success that is there already stays.
        unwanted: File that no row points at any more, or never will.
    """

    recorded: bool
    unwanted: StoredFile | None


@dataclass(frozen=True)
class Incoming:
    """What is to be recorded.

    Attributes:
        table: The module of its table.
        record: The training or measurement.
        file: Of its arrays, if it has any.
        rows: Returns what is inserted, given the name of this process.
        replace: Whether a success that is there gives way to this one.
    """

    table: _Table
    record: TrainingRecord | MeasurementRecord
    file: WrittenFile | None
    rows: Callable[[str], Rows]
    replace: bool


def record(database: Database, provenance: Provenance, incoming: Incoming) -> Inserted:
    """Record a training or a measurement in one transaction, when the turn of this process comes.

    A failure never takes the place of a success.

    Args:
        database: The file.
        provenance: This process, which the record names.
        incoming: The record.
    """
    # Before the turn comes, so that no other process waits for it.
    provenance.prepare()
    table, name, file = incoming.table, incoming.record.id, incoming.file
    rows = {**incoming.rows(provenance.id), **({} if file is None else arrays.rows(name, file))}

    def errand() -> bytes | None:
        whole = {**provenance.rows(), **rows}
        return Parcel(table.NAME, name, provenance.id, provenance.is_stored, whole).packed()

    with database.session(errand) as turn:
        inserted = Inserted(recorded=True, unwanted=None)
        if not turn.is_served:
            with database.held():
                inserted = _insert(database, provenance, incoming, rows, was_taken=turn.was_taken)
                done = carry_out(database.writing, turn.errands(MOST))
            for each in done:  # once all is in the file, or in the log of one that stays held
                each.report_done()
    if inserted.recorded:
        provenance.is_stored = True
    return inserted


def _insert(database: Database, provenance: Provenance, incoming: Incoming, rows: Rows, *, was_taken: bool) -> Inserted:
    table, record, file = incoming.table, incoming.record, incoming.file

    def write(connection: DuckDBPyConnection) -> None:
        if provenance.has_vanished(connection, database.n_openings):
            provenance.is_stored = False
            if isinstance(record, MeasurementRecord):
                measurements.expect_trainings(connection, record)
        insert(connection, {**provenance.rows(), **rows})

    try:
        with database.writing() as connection:
            write(connection)
    except duckdb.ConstraintException:
        # There is a record of this id. That is rare, and asking first would cost every other record a query.
        with database.writing() as connection:
            unwanted = arrays.files_of(connection, [record.id]).get(record.id)
            is_this = table.origin(connection, record.id) == (provenance.id, record.started)
            if was_taken and is_this and (unwanted and unwanted.name) == (file and file.name):
                # Another process wrote it, and was killed before it could say so.
                return Inserted(recorded=True, unwanted=None)
            if table.status(connection, record.id) == "done" and not (incoming.replace and record.status == "done"):
                return Inserted(recorded=False, unwanted=file)
            table.forget(connection, record.id)
            arrays.forget(connection, record.id)
            write(connection)
            return Inserted(recorded=True, unwanted=unwanted)
    return Inserted(recorded=True, unwanted=None)
