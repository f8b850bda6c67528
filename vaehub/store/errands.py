"""Errands: records that wait for their turn, which whoever has the turn writes along with its own.

To open a database, write its file and close it takes longer than a record does. Among many writers, one does this for
all. What goes wrong with another process's record is left to that process, which has its own turn later.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import duckdb

from vaehub.store.rows import Rows, insert, together
from vaehub.store.schema import VERSION

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from vaehub.store.records import Status
    from vaehub.store.turns import Errand

MOST = 64
"""Errands that are done in one turn, so that it ends soon."""
LARGEST = 1 << 18
"""Bytes of an errand; a larger record is worth a turn of its own."""

_PRESENT = "select id from {table} where id in (select unnest(?))"


@dataclass(frozen=True)
class Parcel:
    """A new record, as one process hands it to another.

    Attributes:
        table: Where it belongs.
        record: Its id.
        process: Id of the process that made it.
        is_known: Whether that process is stored already; its row is among the rows otherwise.
        rows: All that is to be inserted.
    """

    table: Literal["trainings", "measurements"]
    record: str
    process: str
    is_known: bool
    rows: Rows

    @property
    def status(self) -> Status:
        """Whether what was made succeeded."""
        return cast("Status", self.rows[self.table]["status"][0].as_py())

    @property
    def files(self) -> set[str]:
        """Names of the files that its arrays are in."""
        return set(self.rows["arrays"]["file"].to_pylist()) if "arrays" in self.rows else set()

    def packed(self) -> bytes | None:
        """Return the parcel as bytes; ``None`` if it is too large for an errand."""
        if sum(rows.nbytes for rows in self.rows.values()) > LARGEST:
            return None
        packed = self.whole()
        return packed if len(packed) <= LARGEST else None

    def whole(self) -> bytes:
        """Return the parcel as bytes, however large it is."""
        import pyarrow as pa

        note = [VERSION, self.table, self.record, self.process, self.is_known]
        tables = [(name, _streamed(rows)) for name, rows in self.rows.items()]
        names, contents = zip(("", json.dumps(note).encode()), *tables, strict=True)
        return _streamed(pa.table({"name": pa.array(names), "content": pa.array(contents, pa.binary())}))

    @classmethod
    def unpacked(cls, content: bytes) -> Parcel | None:
        """Return the parcel of an errand; ``None`` if another version of vaehub has packed it, or it is none."""
        import pyarrow as pa

        try:
            note, *tables = _table(content).to_pylist()
            version, table, record, process, is_known = json.loads(note["content"])
            rows = {each["name"]: _table(each["content"]) for each in tables}
        except (pa.ArrowException, KeyError, OSError, TypeError, ValueError):
            return None
        if version != VERSION or table not in ("trainings", "measurements"):
            return None
        return cls(table, record, process, is_known, rows)


def carry_out(
    writing: Callable[[], AbstractContextManager[DuckDBPyConnection]], errands: Sequence[Errand]
) -> list[Errand]:
    """Write what others wait to have recorded, in one transaction, and return the errands that were carried out.

    Records that are there already, in whatever state, are left to their processes.
    """
    parcels = [(errand, parcel) for errand in errands if (parcel := Parcel.unpacked(errand.content)) is not None]
    if not parcels:
        return []
    try:
        with writing() as connection:
            chosen = _new(connection, parcels)
            if chosen:
                insert(connection, together(parcel.rows for _, parcel in chosen))
    except (duckdb.Error, KeyError, ValueError):
        # Each of their processes does its own later, and says what is wrong with it.
        return []
    return [errand for errand, _ in chosen]


def _new(connection: DuckDBPyConnection, parcels: Sequence[tuple[Errand, Parcel]]) -> list[tuple[Errand, Parcel]]:
    present = {
        (table, each)
        for table, ids in (
            ("trainings", [parcel.record for _, parcel in parcels if parcel.table == "trainings"]),
            ("measurements", [parcel.record for _, parcel in parcels if parcel.table == "measurements"]),
            ("provenance", [parcel.process for _, parcel in parcels if parcel.is_known]),
        )
        if ids
        for (each,) in connection.execute(_PRESENT.format(table=table), [ids]).fetchall()
    }
    chosen = []
    for errand, parcel in parcels:
        # A process that was stored and is not has had its store replaced: it looks whether its record belongs there.
        has_vanished = parcel.is_known and ("provenance", parcel.process) not in present
        if (parcel.table, parcel.record) not in present and not has_vanished:
            chosen.append((errand, parcel))
            present.add((parcel.table, parcel.record))
    return chosen


def _streamed(rows: pa.Table) -> bytes:
    from pyarrow import ipc

    sink = io.BytesIO()
    with ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue()


def _table(content: bytes) -> pa.Table:
    from pyarrow import ipc

    return ipc.open_stream(content).read_all()
