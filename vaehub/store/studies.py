"""The tables ``studies`` and ``cells``: the measurements of studies, done or not."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from vaehub.core.identity import Json, canonical_json
from vaehub.store.records import CellRecord, StudyRecord, now

_FORGET = "delete from studies where study = ? and scale = ?"
_FORGET_CELLS = "delete from cells where study = ? and scale = ? and cell is not null"
_FORGET_ANALYSIS = "delete from cells where study = ? and scale = ? and cell is null and (settings ->> 'analysis') = ?"
_INSERT = "insert into studies values (?, ?, ?, ?, ?)"
_INSERT_CELLS = "insert into cells select $1, $2, * from incoming"
_CELLS = """
    select cell, settings, metric, training, measurement from cells
    where study = ? and scale = ? order by cell nulls last, rowid
"""
_STUDIES = """
    select
        s.study, s.scale, s.title, s.asked,
        count(distinct c.measurement),
        count(distinct m.id) filter (m.status = 'done'),
        count(distinct m.id) filter (m.status = 'failed')
    from studies as s
    left join cells as c on c.study = s.study and c.scale = s.scale
    left join measurements as m on m.id = c.measurement
    group by all
    order by any_value(s.rowid) desc
"""


def insert(
    connection: DuckDBPyConnection, study: str, scale: str, title: str, definition: Json, cells: Sequence[CellRecord]
) -> None:
    """Insert what a study asks for at a scale, in the place of what it asked for before."""
    connection.execute(_FORGET, [study, scale])
    connection.execute(_FORGET_CELLS, [study, scale])
    connection.execute(_INSERT, [study, scale, title, canonical_json(definition), now()])
    _insert_cells(connection, study, scale, cells)


def insert_analysis(connection: DuckDBPyConnection, study: str, scale: str, name: str, cell: CellRecord) -> None:
    """Insert an analysis of a study's results, in the place of that of earlier results."""
    connection.execute(_FORGET_ANALYSIS, [study, scale, name])
    _insert_cells(connection, study, scale, [cell])


def cells(connection: DuckDBPyConnection, study: str, scale: str) -> list[CellRecord]:
    """Return what a study asks for, in order, analyses last."""
    return [_cell(row) for row in connection.execute(_CELLS, [study, scale]).fetchall()]


def known(connection: DuckDBPyConnection) -> list[StudyRecord]:
    """Return the studies that were asked for, the latest first."""
    return [StudyRecord(*row) for row in connection.execute(_STUDIES).fetchall()]


def _insert_cells(connection: DuckDBPyConnection, study: str, scale: str, cells: Iterable[CellRecord]) -> None:
    import pyarrow as pa

    rows = [(each.cell, canonical_json(each.settings), each.metric, each.training, each.measurement) for each in cells]
    names = ("cell", "settings", "metric", "training", "measurement")
    kinds = (pa.int64(), pa.string(), pa.string(), pa.string(), pa.string())
    # DuckDB finds the table by the name of this variable.
    incoming = pa.table(  # noqa: F841
        {
            name: pa.array([row[at] for row in rows], kind)
            for at, (name, kind) in enumerate(zip(names, kinds, strict=True))
        }
    )
    connection.execute(_INSERT_CELLS, [study, scale])


def _cell(row: Sequence[Any]) -> CellRecord:
    cell, settings, metric, training, measurement = row
    return CellRecord(cell, json.loads(settings), metric, training, measurement)
