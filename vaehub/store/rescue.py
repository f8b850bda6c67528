"""A damaged store's records, as far as they are whole, in a new store.

The database keeps rows in blocks with checksums, so that damage costs the rows of a block and no others. Which records
had values in a lost block follows from the order of rows, in which all that belongs to a record stands together.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.core.errors import first_line
from vaehub.store import arrays
from vaehub.store.files import PARTIAL, publish, sha256
from vaehub.store.schema import OWNERS, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

SMALLEST = 2048
"""Rows that DuckDB reads at once; a smaller range would read the same blocks."""

Opening = Callable[[], AbstractContextManager[DuckDBPyConnection]]
"""Opens the damaged database to be read, each time anew."""

_ROW = "row_of_damaged_store"
_FAIL = "update trainings set status = 'failed', error = ?, weights = null where id = ?"
_FORGET = (
    "delete from measurements where id = ?",
    "delete from measured_values where measurement = ?",
    "delete from measured_signatures where measurement = ?",
    "delete from arrays where owner = ?",
)
_ORPHANS = """
    select id from measurements
    where (training is not null and training not in (select id from trainings))
    or (other is not null and other not in (select id from trainings))
"""
_TIDY = (
    "delete from epochs where training not in (select id from trainings)",
    "delete from measured_values where measurement not in (select id from measurements)",
    "delete from measured_signatures where measurement not in (select id from measurements)",
    "delete from arrays where owner not in (select id from trainings union all select id from measurements)",
    """
    insert into provenance
    select distinct provenance, 'unknown', '{}', 'unknown', 'unknown', 'unknown', null, 'unknown', now()::timestamp
    from (select provenance from trainings union all select provenance from measurements)
    where provenance not in (select id from provenance)
    """,
)


@dataclass(frozen=True)
class Rescue:
    """What could be copied.

    Attributes:
        copied: Rows of each table in the new store.
        n_files: Files of weights and arrays in it.
        losses: What is not as it was, a sentence each.
    """

    copied: Mapping[str, int]
    n_files: int
    losses: tuple[str, ...]


@dataclass
class _Part:
    """The rows of a table that can be read, and the ranges of rows that cannot."""

    rows: list[pa.Table] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    why: str = ""

    @property
    def n_lost(self) -> int:
        return sum(end - start for start, end in self.lost)


def rescue(opening: Opening, files: Path, target: DuckDBPyConnection, target_files: Path) -> Rescue:
    """Copy what is whole.

    Args:
        opening: Opens the damaged database.
        files: The damaged store's folder of files.
        target: Connection to the new store's database, in a transaction.
        target_files: The new store's folder of files.

    Trainings whose weights are lost stay as failed ones, since the results of their measurements need their recipes; to
    ask for them again makes them again.

    Raises:
        duckdb.Error: If nothing of the database can be read, or the new one cannot be written.
        OSError: If a file cannot be written.
    """
    parts = {table: _readable(opening, table, _columns(target, table)) for table in TABLES}
    losses = [f"{part.n_lost} rows of table {table} are lost: {part.why}" for table, part in parts.items() if part.lost]
    for table, part in parts.items():
        target.execute(f"delete from {table}")  # noqa: S608 a name of ours, as all below
        for rows in part.rows:
            incoming = rows.drop_columns([_ROW])  # noqa: F841 DuckDB finds the table by the name of this variable
            target.execute(f"insert into {table} by name select * from incoming")  # noqa: S608
    for table, part in parts.items():
        if part.lost:
            losses.extend(_without_torn(target, table, part, files))
    losses.extend(_pointers_to_nothing(target))
    n_files, damaged = _copied(target, files, target_files)
    losses.extend(_without_files(target, damaged))
    return Rescue({table: _number(target, f"from {table}") for table in TABLES}, n_files, tuple(losses))


def _columns(target: DuckDBPyConnection, table: str) -> list[str]:
    statement = "select column_name from duckdb_columns() where table_name = ? and not internal order by column_index"
    return [name for (name,) in target.execute(statement, [table]).fetchall()]


def _readable(opening: Opening, table: str, columns: Sequence[str]) -> _Part:
    part = _Part()
    with opening() as connection:
        present = _columns(connection, table)
        if not present:
            return part  # the damaged store's schema is of before this table
        end = _number(connection, f"from {table}", "max(rowid) + 1")
    shared = ", ".join(f'"{name}"' for name in columns if name in present)
    _read(opening, f"select rowid as {_ROW}, {shared} from {table}", (0, end), part)  # noqa: S608
    return part


def _read(opening: Opening, statement: str, between: tuple[int, int], part: _Part) -> None:
    """Read a range of rows, or as much of its halves as can be read."""
    start, end = between
    if start >= end:
        return
    try:
        with opening() as connection:
            found = connection.sql(f"{statement} where rowid >= {start} and rowid < {end} order by rowid")
            part.rows.append(found.to_arrow_table())
    except duckdb.Error as error:
        if end - start <= SMALLEST:
            part.lost.append(between)
            part.why = first_line(error)
            return
        middle = start + max(1, (end - start) // SMALLEST // 2) * SMALLEST
        _read(opening, statement, (start, middle), part)
        _read(opening, statement, (middle, end), part)


def _without_torn(target: DuckDBPyConnection, table: str, part: _Part, files: Path) -> Iterator[str]:
    """Take away records of which rows of a table may be lost."""
    column = OWNERS.get(table)
    if column is None:
        return
    torn = _beside(part, column)
    if table in ("measured_values", "measured_signatures"):
        # A measurement all rows of which are lost has none; of its metric, another has some, or nobody knows.
        kind = f"select metric from measurements where id in (select measurement from {table})"  # noqa: S608
        known = target.execute(kind).fetchall()
        bare = target.execute(
            f"select id, metric from measurements where status = 'done' and id not in (select measurement from {table})"  # noqa: S608
        ).fetchall()
        torn |= {name for name, metric in bare if table == "measured_values" or not known or (metric,) in known}
    else:
        # What had a file or losses, and has no row that says so.
        bare = target.execute(f"select id from trainings where id not in (select {column} from {table})").fetchall()  # noqa: S608
        torn |= {name for (name,) in bare}
    if table == "arrays":
        bare = target.execute("select id from measurements where id not in (select owner from arrays)").fetchall()
        torn |= {name for (name,) in bare if any(files.glob(f"measurement-{name}-*"))}
    yield from _without(target, torn, f"some of its rows of table {table} are lost")


def _beside(part: _Part, column: str) -> set[str]:
    """Return the owners of the rows before and after what is lost."""
    found = set()
    for start, end in part.lost:
        before = [rows for rows in part.rows if rows.num_rows and rows[_ROW][-1].as_py() < start]
        after = [rows for rows in part.rows if rows.num_rows and rows[_ROW][0].as_py() >= end]
        found |= {rows[column][-1].as_py() for rows in before[-1:]} | {rows[column][0].as_py() for rows in after[:1]}
    return found


def _without(target: DuckDBPyConnection, owners: set[str], why: str) -> Iterator[str]:
    """Take measurements away, and leave of trainings what their measurements need: their recipe."""
    for owner in sorted(owners):
        if _number(target, "from trainings where id = ? and status = 'done'", values=[owner]):
            target.execute(_FAIL, [f"lost with the store it was in: {why}", owner])
            target.execute("delete from arrays where owner = ?", [owner])
            yield f"training {owner} is to be made again: {why}"
        elif _number(target, "from measurements where id = ?", values=[owner]):
            for statement in _FORGET:
                target.execute(statement, [owner])
            yield f"measurement {owner} is lost: {why}"


def _pointers_to_nothing(target: DuckDBPyConnection) -> Iterator[str]:
    """Take away what belongs to records that are not there."""
    orphans = target.execute(_ORPHANS).fetchall()
    yield from _without(target, {name for (name,) in orphans}, "its training is lost")
    for statement in _TIDY:
        target.execute(statement)


def _copied(target: DuckDBPyConnection, files: Path, folder: Path) -> tuple[int, dict[str, str]]:
    """Copy files that are whole; return how many they are, and why others are not, by owner."""
    found: dict[str, str] = {}
    count = 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, checksum, owner in arrays.files(target):
        try:
            if sha256(files / name) != checksum:
                found[owner] = f"file {name} is damaged"
                continue
            partial = folder / f"{name}{PARTIAL}"
            shutil.copyfile(files / name, partial)
        except FileNotFoundError:
            found[owner] = f"file {name} is missing"
            continue
        publish(partial, folder / name)
        count += 1
    return count, found


def _without_files(target: DuckDBPyConnection, damaged: Mapping[str, str]) -> Iterator[str]:
    for owner, why in damaged.items():
        yield from _without(target, {owner}, why)


def _number(connection: DuckDBPyConnection, of: str, what: str = "count(*)", values: Sequence[object] = ()) -> int:
    [(number,)] = connection.execute(f"select {what} {of}", list(values)).fetchall()
    return int(number or 0)
