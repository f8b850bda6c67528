"""Rows of one store that another has not: which they are, and copying them, all in SQL.

The databases are attached side by side as ``results``, the store, and ``other``, which is only read. What is to be
copied is listed in tables of the connection, whose names begin with ``merge_``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from vaehub.core.errors import StoreError
from vaehub.store.conflicts import ArrayPair
from vaehub.store.schema import OWNERS

PART = 1 << 20
"""Rows that are copied at once, so that memory stays small however many there are."""

RECORDS = ("trainings", "measurements")

_COLUMNS = """
    select table_name, string_agg('"' || column_name || '"', ', ' order by column_index)
    from duckdb_columns() where database_name = 'results' group by table_name
"""


def _sums_of_values(database: str) -> str:
    """Return a query for number and digest of the values of each record that both databases have."""
    common = "(select id from temp.merge_common)"
    return f"""
        select training as id, count(*) as n, sum(hash('e', epoch, part, name, value)) as digest
        from {database}.epochs where training in {common} group by training
        union all
        select measurement, count(*), sum(hash('v', name, index_name, index, label, keys, value))
        from {database}.measured_values where measurement in {common} group by measurement
        union all
        select measurement, count(*), sum(hash('s', name, layer, position, space, vector))
        from {database}.measured_signatures where measurement in {common} group by measurement
    """  # noqa: S608 names of ours


_LISTS = (
    # A failure gives way to a success; whatever else is there stays.
    """
    create or replace temp table merge_records as
    select s.id, t.id is not null as replaces
    from other.trainings as s left join results.trainings as t on t.id = s.id
    where t.id is null or (t.status = 'failed' and s.status = 'done')
    union all
    select s.id, t.id is not null
    from other.measurements as s left join results.measurements as t on t.id = s.id
    where t.id is null or (t.status = 'failed' and s.status = 'done')
    """,
    # A training whose weights were lost or pruned still has its losses, by which its measurements are known.
    """
    create or replace temp table merge_common as
    select s.id, s.status = 'done' and t.status = 'done' as is_whole
    from other.trainings as s join results.trainings as t on t.id = s.id
    where (t.status = 'done' or (
        t.id in (select training from results.epochs)
        and exists (select 1 from results.measurements where status = 'done' and (training = t.id or other = t.id))
    )) and (s.status = 'done' or (
        s.id in (select training from other.epochs)
        and exists (select 1 from other.measurements where status = 'done' and (training = s.id or other = s.id))
    ))
    union all
    select s.id, true from other.measurements as s join results.measurements as t on t.id = s.id
    where t.status = 'done' and s.status = 'done'
    """,
    # Values as a set: equal in number, and in the sum of their hashes.
    f"""
    create or replace temp table merge_different as
    with
    here as ({_sums_of_values("results")}),
    there as ({_sums_of_values("other")})
    select id
    from (select id, sum(n) as n, sum(digest) as digest from here group by id) as h
    full join (select id, sum(n) as n, sum(digest) as digest from there group by id) as t using (id)
    where h.n is distinct from t.n or h.digest is distinct from t.digest
    """,  # noqa: S608 names of ours
    """
    create or replace temp table merge_processes as
    select id from other.provenance where id not in (select id from results.provenance)
    """,
    """
    create or replace temp table merge_papers as
    select distinct study from other.published where study not in (select study from results.published)
    """,
    """
    create or replace temp table merge_other_papers as
    select h.study from (
        select study, sum(hash("table", keys, name, value, printed, spread, spread_kind, n_runs, unit, note)) as digest
        from results.published group by study
    ) as h join (
        select study, sum(hash("table", keys, name, value, printed, spread, spread_kind, n_runs, unit, note)) as digest
        from other.published group by study
    ) as t using (study)
    where h.digest != t.digest
    """,
    """
    create or replace temp table merge_studies as
    select study, scale from other.studies where (study, scale) not in (select (study, scale) from results.studies)
    """,
    """
    create or replace temp table merge_other_studies as
    select study, scale from other.studies as t join results.studies as h using (study, scale)
    where h.definition != t.definition
    """,
    """
    create or replace temp table merge_other_analyses as
    select h.rowid as place, t.measurement from results.cells as h join other.cells as t
        on h.study = t.study and h.scale = t.scale and h.cell is null and t.cell is null
        and (h.settings ->> 'analysis') = (t.settings ->> 'analysis')
    where h.measurement != t.measurement
    """,
    # Of a study that the store has too, only analyses that it has not; of one of an earlier schema, what it has not.
    """
    create or replace temp table merge_cells as
    select t.rowid as place from other.cells as t
    where (t.study, t.scale) not in (select (study, scale) from temp.merge_other_studies)
    and not exists (
        select 1 from results.cells as h
        where h.study = t.study and h.scale = t.scale
        and case
            when t.cell is null and (t.settings ->> 'analysis') is not null
                then h.cell is null and (h.settings ->> 'analysis') = (t.settings ->> 'analysis')
            else h.measurement = t.measurement and h.cell is not distinct from t.cell and h.settings = t.settings
        end
    )
    """,
)
_WITHHELD = """
    create or replace temp table merge_withheld as
    select id from other.measurements
    where id in (select id from temp.merge_records)
    and (training in (select id from temp.merge_different) or other in (select id from temp.merge_different))
"""
_PAIRS = """
    select coalesce(h.owner, t.owner), h.file, h.sha256, t.file, t.sha256
    from (
        select distinct owner, file, sha256 from results.arrays
        where owner in (select id from temp.merge_common where is_whole)
    ) as h full join (
        select distinct owner, file, sha256 from other.arrays
        where owner in (select id from temp.merge_common where is_whole)
    ) as t on h.owner = t.owner
    where h.sha256 is distinct from t.sha256 order by all
"""
_FILES = """
    select distinct file, sha256 from other.arrays where owner in (select id from temp.merge_records) order by file
"""
_COUNTS = """
    select
        (select count(*) from temp.merge_withheld),
        (select count(distinct id) from temp.merge_different),
        (select count(*) from temp.merge_other_studies) + (select count(*) from temp.merge_other_papers)
        + (select count(*) from temp.merge_other_analyses)
"""
_REPLACED = "select id from temp.merge_records where replaces"
_IS_REPLACING = f"{_REPLACED} limit 1"
_REPLACED_FILES = f"select distinct file from results.arrays where owner in ({_REPLACED})"  # noqa: S608 a constant
_CHOSEN = "in (select id from temp.merge_records)"
_COMING = {
    "provenance": "id in (select id from temp.merge_processes)",
    "published": "study in (select study from temp.merge_papers)",
    "studies": "(study, scale) in (select (study, scale) from temp.merge_studies)",
    "cells": "rowid in (select place from temp.merge_cells)",
    **dict.fromkeys(RECORDS, f"id {_CHOSEN}"),
    **{table: f"{column} {_CHOSEN}" for table, column in OWNERS.items()},
}
"""Which rows of the other store are to be copied."""


@dataclass(frozen=True)
class Plan:
    """What a merge brings.

    Attributes:
        rows: Number of rows, and the sum of their hashes, by table; of tables that get any.
        files: Name and checksum of each file that comes along.
        n_withheld: Measurements that are not copied, since a training that they measure is another here.
        n_different: Records of which values differ.
        n_others: Studies, analyses and papers that differ.
    """

    rows: Mapping[str, tuple[int, int]]
    files: tuple[tuple[str, str], ...]
    n_withheld: int
    n_different: int
    n_others: int

    @property
    def has_conflicts(self) -> bool:
        """Whether anything differs."""
        return self.n_different + self.n_others > 0


def array_pairs(connection: DuckDBPyConnection) -> list[ArrayPair]:
    """List what is to be copied, and return the files of records that both stores have, where checksums differ."""
    for statement in _LISTS:
        connection.execute(statement)
    return [
        ArrayPair(owner, (here, sha) if here else None, (there, other) if there else None)
        for owner, here, sha, there, other in connection.execute(_PAIRS).fetchall()
    ]


def planned(connection: DuckDBPyConnection, different: Collection[str]) -> Plan:
    """Return what is to be copied.

    Args:
        connection: To both databases, after :func:`array_pairs`.
        different: Records whose arrays differ.
    """
    if different:
        connection.execute("insert into temp.merge_different select unnest(?::varchar[])", [list(different)])
    connection.execute("delete from temp.merge_records where id in (select id from temp.merge_different)")
    connection.execute(_WITHHELD)
    connection.execute("delete from temp.merge_records where id in (select id from temp.merge_withheld)")
    [counts] = connection.execute(_COUNTS).fetchall()
    files = tuple(connection.execute(_FILES).fetchall())
    return Plan(_digests(connection, {table: ("other", where) for table, where in _COMING.items()}), files, *counts)


def carry_out(connection: DuckDBPyConnection, plan: Plan) -> list[str]:
    """Copy rows, within a transaction, and return the files that nothing points at any more.

    Raises:
        StoreError: If what was copied is not what the other store has.
    """
    unwanted = [name for (name,) in connection.execute(_REPLACED_FILES).fetchall()]
    if connection.execute(_IS_REPLACING).fetchall():
        for table, column in {**dict.fromkeys(RECORDS, "id"), **OWNERS}.items():
            connection.execute(f"delete from results.{table} where {column} in ({_REPLACED})")  # noqa: S608
    # Of tables that hold records, the new rows are told by their owners; the others are small.
    checked = {
        table: ("results", _COMING[table] if table in OWNERS or table in RECORDS else "true") for table in plan.rows
    }
    others = {table: each for table, each in checked.items() if each[1] == "true"}
    before = _digests(connection, others) if others else {}
    for table in plan.rows:
        for part in _parts(connection, table):
            connection.execute(
                f"insert into results.{table} by name select * from other.{table} "  # noqa: S608
                f"where {part} and {_COMING[table]} order by rowid"
            )
    after = _digests(connection, checked)
    for table, (count, digest) in plan.rows.items():
        n, known = before.get(table, (0, 0))
        if after[table] != (n + count, known + digest):
            raise StoreError(f"rows of table {table} are not what was read, so that nothing was copied")
    return unwanted


def forget_lists(connection: DuckDBPyConnection) -> None:
    """Remove the tables that list what is to be copied."""
    names = connection.execute("select table_name from duckdb_tables() where temporary").fetchall()
    for (name,) in names:
        if name.startswith("merge_"):
            connection.execute(f"drop table temp.{name}")


def _digests(connection: DuckDBPyConnection, chosen: Mapping[str, tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Return how many rows there are, and the sum of their hashes, of tables that have any.

    Args:
        connection: To both databases.
        chosen: Database and condition, by table.
    """
    columns = dict(connection.execute(_COLUMNS).fetchall())
    statements = [
        f"select '{table}', count(*) as n, sum(hash({columns[table]})) from {database}.{table} where {where}"  # noqa: S608
        for table, (database, where) in chosen.items()
    ]
    rows = connection.execute(f"from ({' union all '.join(statements)}) where n > 0").fetchall()
    return {table: (int(count), int(digest)) for table, count, digest in rows}


def _parts(connection: DuckDBPyConnection, table: str) -> Iterator[str]:
    """Yield conditions that take the rows of the other store a part after the other."""
    [(end,)] = connection.execute(f"select coalesce(max(rowid) + 1, 0) from other.{table}").fetchall()  # noqa: S608
    for start in range(0, end, PART):
        yield f"rowid >= {start} and rowid < {start + PART}"
