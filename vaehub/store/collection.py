"""Collecting what jobs have delivered: many records in one transaction, as if each had been recorded by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from duckdb import DuckDBPyConnection

from vaehub.store import arrays, measurements, trainings
from vaehub.store.deliveries import Delivery
from vaehub.store.errands import Parcel
from vaehub.store.rows import Rows, insert, together

_TABLES = {"trainings": trainings, "measurements": measurements}
_STATUS = {
    table: f"select id, status from {table} where id in (select unnest(?))"  # noqa: S608 names of ours
    for table in _TABLES
}


MOST = 256
"""Records that are collected in one transaction, so that others need not wait long."""


def collect(deliveries: Sequence[Delivery], recorded: Callable[[Sequence[Parcel]], set[str]], files: Path) -> set[str]:
    """Record deliveries, and return the names of files that no row points at, because the same was there before.

    Args:
        deliveries: What jobs have delivered, in an order in which it can be recorded.
        recorded: Records some in a transaction; returns as :func:`record` does.
        files: Folder of arrays.
    """
    unwanted: set[str] = set()
    for begin in range(0, len(deliveries), MOST):
        read = [parcel for each in deliveries[begin : begin + MOST] if (parcel := each.parcel()) is not None]
        # A file system of a network may show a worker's second file before its first.
        whole = [parcel for parcel in read if all((files / name).is_file() for name in parcel.files)]
        if whole:
            unwanted |= recorded(whole)
    return unwanted


def record(connection: DuckDBPyConnection, parcels: Sequence[Parcel]) -> set[str]:
    """Record what was delivered, inside a transaction.

    A failure never takes the place of a success, nor one success that of another. A measurement waits as long as its
    training is neither in the store nor among the parcels.

    Returns:
        Names of the files that no row points at, because another job had made the same before.
    """
    best: dict[tuple[str, str], Parcel] = {}
    for parcel in parcels:
        key = (parcel.table, parcel.record)
        if key not in best or (best[key].status == "failed" and parcel.status == "done"):
            best[key] = parcel
    here = {table: _status(connection, table, best.values()) for table in _TABLES}
    known = {name for table, name in best if table == "trainings"}
    known |= set(_status(connection, "trainings", ids={each for parcel in best.values() for each in _needs(parcel)}))
    new, settled = [], set()
    for parcel in best.values():
        status = here[parcel.table].get(parcel.record)
        if not known.issuperset(_needs(parcel)):
            continue
        settled.add(parcel.record)
        if status != "done":
            new.append(parcel)
        if status == "failed":
            _TABLES[parcel.table].forget(connection, parcel.record)
            arrays.forget(connection, parcel.record)
    if new:
        insert(connection, together(_once(new)))
    files = {name for parcel in parcels if parcel.record in settled for name in parcel.files}
    pointed = arrays.files_of(connection, list(settled))
    return files - {file.name for file in pointed.values()}


def _needs(parcel: Parcel) -> set[str]:
    """Return the trainings that a measurement is of."""
    if parcel.table == "trainings":
        return set()
    row = parcel.rows["measurements"]
    return {row[name][0].as_py() for name in ("training", "other")} - {None}


def _status(
    connection: DuckDBPyConnection, table: str, parcels: Iterable[Parcel] = (), ids: set[str] | None = None
) -> dict[str, Literal["done", "failed"]]:
    asked = {parcel.record for parcel in parcels if parcel.table == table} if ids is None else ids
    return dict(connection.execute(_STATUS[table], [list(asked)]).fetchall()) if asked else {}


def _once(parcels: Sequence[Parcel]) -> Iterable[Rows]:
    """Yield the rows of parcels; that of a process, which all have that it made, with the first alone."""
    processes: set[str] = set()
    for parcel in parcels:
        if parcel.process in processes:
            yield {table: rows for table, rows in parcel.rows.items() if table != "provenance"}
        else:
            yield parcel.rows
        processes.add(parcel.process)
