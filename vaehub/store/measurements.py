"""The tables ``measurements``, ``measured_values`` and ``measured_signatures``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from duckdb import DuckDBPyConnection

from vaehub.core.errors import StoreError
from vaehub.core.identity import canonical_json
from vaehub.core.result import Result, Signatures, Table, Vector
from vaehub.store.records import MeasurementRecord, Outcome, Status
from vaehub.store.rows import Rows, row

if TYPE_CHECKING:  # loaded by what writes, so that reading need not wait for it
    import pyarrow as pa

NAME: Literal["measurements"] = "measurements"
_COLUMNS = "id, metric, params, seed, subject, request, training, other, status, error, started, seconds"
_STORED = (
    *("id", "metric", "params", "seed", "subject", "training", "other", "request"),
    *("status", "error", "started", "seconds", "provenance"),
)
_KINDS = {"seed": "int64", "started": "timestamp[us]", "seconds": "float64"}
_FIND = f"select {_COLUMNS} from measurements where id in (select unnest(?))"  # noqa: S608 a constant
_RECENT = f"select {_COLUMNS} from measurements order by rowid desc limit ?"  # noqa: S608 a constant
_OF_TRAINING = f"select {_COLUMNS} from measurements where training = $1 or other = $1 order by rowid"  # noqa: S608
_IDS = "select id from measurements where starts_with(id, ?)"
_ORIGIN = "select provenance, started from measurements where id = ?"
_STATUS = "select status from measurements where id = ?"
_OUTCOMES = "select id, status, error, started from measurements where id in (select unnest(?))"
_FORGET = "delete from measurements where id = ?"
_HAS_TRAINING = "select 1 from trainings where id = ?"
_FORGET_VALUES = "delete from measured_values where measurement = ?"
_FORGET_SIGNATURES = "delete from measured_signatures where measurement = ?"
_VALUES = """
    select measurement, name, index_name, keys, value, unit from measured_values
    where measurement in (select unnest(?)) and (index_name is null or keys is not null) order by rowid
"""
# Put together by the database: a vector may have millions of values, and a row is slow to become Python's.
_VECTORS = """
    select
        measurement, name, index_name, any_value(unit) as unit,
        list(value order by rowid) as vector, list(label order by rowid) filter (label is not null) as labels
    from measured_values
    where measurement in (select unnest(?)) and index_name is not null and keys is null
    group by measurement, name, index_name order by min(rowid)
"""
_SIGNATURES = """
    select measurement, name, layer, space, vector from measured_signatures
    where measurement in (select unnest(?)) order by rowid
"""


def rows(record: MeasurementRecord, result: Result, provenance: str) -> Rows:
    """Return the rows of a measurement and its values, made by a process of that id."""
    import pyarrow as pa

    params, subject, request = map(canonical_json, (record.params, record.subject, record.request))
    asked = [record.id, record.metric, params, record.seed, subject, record.training, record.other]
    outcome = [request, record.status, record.error, record.started, record.seconds]
    found = {"measurements": row(_STORED, _KINDS, [*asked, *outcome, provenance])}
    if blocks := list(_blocks(record, result)):
        found["measured_values"] = pa.Table.from_batches(blocks)
    if signatures := [_signatures_table(record.id, name, each) for name, each in result.signatures.items()]:
        found["measured_signatures"] = pa.concat_tables(signatures)
    return found


def expect_trainings(connection: DuckDBPyConnection, record: MeasurementRecord) -> None:
    """Refuse a measurement of a training that the store has no more.

    Raises:
        StoreError: If it has not.
    """
    for training in {record.training, record.other} - {None}:
        if not connection.execute(_HAS_TRAINING, [training]).fetchall():
            raise StoreError(
                f"training {str(training)[:8]} is not in the store any more, which was deleted or replaced meanwhile; "
                "run the same command again"
            )


def origin(connection: DuckDBPyConnection, measurement_id: str) -> tuple[str, datetime] | None:
    """Return the id of the process that made a measurement, and when it began, or ``None`` if there is none."""
    rows = connection.execute(_ORIGIN, [measurement_id]).fetchall()
    return rows[0] if rows else None


def status(connection: DuckDBPyConnection, measurement_id: str) -> Status | None:
    """Return whether a measurement succeeded, or ``None`` if there is none."""
    rows = connection.execute(_STATUS, [measurement_id]).fetchall()
    return rows[0][0] if rows else None


def outcomes(connection: DuckDBPyConnection, measurement_ids: Sequence[str]) -> dict[str, Outcome]:
    """Return what those of some measurements came to that are stored."""
    rows = connection.execute(_OUTCOMES, [list(measurement_ids)]).fetchall()
    return {measurement: Outcome(*rest) for measurement, *rest in rows}


def forget(connection: DuckDBPyConnection, measurement_id: str) -> None:
    """Remove a measurement and its values."""
    for statement in (_FORGET, _FORGET_VALUES, _FORGET_SIGNATURES):
        connection.execute(statement, [measurement_id])


def find_many(connection: DuckDBPyConnection, measurement_ids: Sequence[str]) -> dict[str, MeasurementRecord]:
    """Return those of some measurements that are stored, by id."""
    records = map(_record, connection.execute(_FIND, [list(measurement_ids)]).fetchall())
    return {record.id: record for record in records}


def recent(connection: DuckDBPyConnection, limit: int) -> list[MeasurementRecord]:
    """Return the latest measurements, the latest first."""
    return [_record(row) for row in connection.execute(_RECENT, [limit]).fetchall()]


def of_training(connection: DuckDBPyConnection, training_id: str) -> list[MeasurementRecord]:
    """Return the measurements of a training, the oldest first."""
    return [_record(row) for row in connection.execute(_OF_TRAINING, [training_id]).fetchall()]


def ids(connection: DuckDBPyConnection, prefix: str) -> list[str]:
    """Return the ids with a prefix."""
    return [row[0] for row in connection.execute(_IDS, [prefix]).fetchall()]


def values(connection: DuckDBPyConnection, measurement_ids: Sequence[str]) -> dict[str, tuple[Result, dict[str, str]]]:
    """Return the values of each of some measurements, as its metric gave them, without arrays, and their units."""
    found = {measurement: _Values() for measurement in measurement_ids}
    for measurement, *value in connection.execute(_VALUES, [list(found)]).fetchall():
        found[measurement].add(*value)
    for measurement, name, index, unit, vector, labels in connection.execute(_VECTORS, [list(found)]).fetchall():
        found[measurement].vectors[name] = Vector(vector, index, labels)
        found[measurement].name_unit(name, unit)
    for measurement, name, layer, space, vector in connection.execute(_SIGNATURES, [list(found)]).fetchall():
        found[measurement].signatures[name].append((layer, space, vector))
    return {measurement: (rows.result(), rows.units) for measurement, rows in found.items()}


class _Values:
    """Rows of one measurement, sorted by what they belong to."""

    def __init__(self) -> None:
        self.units: dict[str, str] = {}
        self.scalars: dict[str, float] = {}
        self.vectors: dict[str, Vector] = {}
        self.tables: dict[str, dict[str, list[tuple[str, float]]]] = defaultdict(lambda: defaultdict(list))
        self.signatures: dict[str, list[tuple[str, str, list[float]]]] = defaultdict(list)

    def name_unit(self, name: str, unit: str | None) -> None:
        if unit is not None:
            self.units[name] = unit

    def add(self, name: str, table: str | None, keys: str, value: float, unit: str | None) -> None:
        self.name_unit(name, unit)
        if table is None:
            self.scalars[name] = value
        else:
            self.tables[table][name].append((keys, value))

    def result(self) -> Result:
        return Result(
            scalars=self.scalars,
            vectors=self.vectors,
            tables={name: _table(columns) for name, columns in self.tables.items()},
            signatures={name: _signatures(items) for name, items in self.signatures.items()},
        )


def _blocks(record: MeasurementRecord, result: Result) -> Iterator[pa.RecordBatch]:
    if result.scalars:
        n = len(result.scalars)
        yield _block(record, list(result.scalars), [None] * n, [None] * n, list(result.scalars.values()))
    for name, vector in result.vectors.items():
        n = len(vector.values)
        yield _block(record, [name] * n, [vector.index] * n, np.arange(n), vector.values, labels=vector.labels)
    for table_name, table in result.tables.items():
        rows = zip(*table.keys.values(), strict=True)
        keys = [canonical_json(dict(zip(table.keys, row, strict=True))) for row in rows]
        for name, column in table.columns.items():
            n = len(column)
            yield _block(record, [name] * n, [table_name] * n, np.arange(n), column, keys=keys)


def _block(
    record: MeasurementRecord,
    names: Sequence[str],
    index_names: Sequence[str | None],
    index: Any,
    values: Any,
    *,
    labels: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
) -> pa.RecordBatch:
    import pyarrow as pa

    n, text = len(names), pa.string()
    return pa.record_batch(
        {
            "measurement": pa.repeat(pa.scalar(record.id, text), n),
            "name": pa.array(names, text),
            "index_name": pa.array(index_names, text),
            "index": pa.array(index, pa.int64()),
            "label": pa.nulls(n, text) if labels is None else pa.array(labels, text),
            "keys": pa.nulls(n, text) if keys is None else pa.array(keys, text),
            "value": pa.array(values, pa.float64()),
            "unit": pa.array(map(record.units.get, names), text),
        }
    )


def _signatures_table(measurement: str, name: str, signatures: Signatures) -> pa.Table:
    import pyarrow as pa

    n, size = signatures.vectors.shape
    ends = pa.array(np.arange(0, n * size + 1, size), pa.int32())
    return pa.table(
        {
            "measurement": pa.array([measurement] * n, pa.string()),
            "name": pa.array([name] * n, pa.string()),
            "layer": pa.array(signatures.layers, pa.string()),
            "position": pa.array(np.arange(n), pa.int64()),
            "space": pa.array([signatures.space] * n, pa.string()),
            "vector": pa.ListArray.from_arrays(ends, pa.array(signatures.vectors.reshape(-1))),
        }
    )


def _signatures(rows: Sequence[tuple[str, str, list[float]]]) -> Signatures:
    layers, spaces, vectors = zip(*rows, strict=True)
    return Signatures(layers, np.array(vectors, np.float32), spaces[0])


def _table(columns: dict[str, list[tuple[str, float]]]) -> Table:
    rows = [json.loads(keys) for keys, _ in next(iter(columns.values()))]
    keys = {name: [row[name] for row in rows] for name in rows[0]}
    return Table(keys, {name: [value for _, value in items] for name, items in columns.items()})


def _record(row: Sequence[Any]) -> MeasurementRecord:
    measurement_id, metric, params, seed, subject, request, *rest = row
    if not isinstance(rest[-2], datetime):
        raise TypeError(f"the date of measurement {measurement_id} is none")
    return MeasurementRecord(
        measurement_id, metric, json.loads(params), seed, json.loads(subject), json.loads(request), *rest
    )
