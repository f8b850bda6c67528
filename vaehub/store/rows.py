"""The rows of records, by table: what inserts a record in a database, and what one process hands to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from vaehub.store.schema import insertion

if TYPE_CHECKING:  # loaded by what writes, so that reading need not wait for it
    import pyarrow as pa

Rows = Mapping[str, "pa.Table"]
"""Rows to insert by the name of their table, each with all columns of the table but those derived from others."""

_INSERT = {
    table: insertion(table)
    for table in ("trainings", "epochs", "measurements", "measured_values", "measured_signatures", "arrays")
} | {"provenance": f"{insertion('provenance')} on conflict do nothing"}


def insert(connection: DuckDBPyConnection, rows: Rows) -> None:
    """Insert rows; the processes that made them may be there already.

    Raises:
        duckdb.ConstraintException: If there is a record of the same id.
        KeyError: If rows are of a table that holds no records.
    """
    for table, incoming in rows.items():
        # By name, since a connection that reaches nothing else does not look for variables either. If the insertion
        # fails, the name goes with the transaction.
        connection.register("incoming", incoming)
        connection.execute(_INSERT[table])
        connection.unregister("incoming")


def together(records: Iterable[Rows]) -> Rows:
    """Return the rows of several records."""
    import pyarrow as pa

    found: dict[str, list[pa.Table]] = {}
    for record in records:
        for table, rows in record.items():
            found.setdefault(table, []).append(rows)
    return {table: pa.concat_tables(rows) for table, rows in found.items()}


def row(columns: Sequence[str], kinds: Mapping[str, str], values: Sequence[object]) -> pa.Table:
    """Return a table of one row.

    Args:
        columns: Names of the columns.
        kinds: Type of each column that is not text, as Arrow names it.
        values: A value of each column, or ``None``.
    """
    import pyarrow as pa

    arrays = [
        pa.array([value], pa.type_for_alias(kinds.get(name, "string")))
        for name, value in zip(columns, values, strict=True)
    ]
    return pa.table(arrays, names=list(columns))
