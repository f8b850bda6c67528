"""The tables ``trainings`` and ``epochs``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from duckdb import DuckDBPyConnection

from vaehub.core.identity import canonical_json
from vaehub.store.records import Status, TrainingRecord
from vaehub.store.rows import Rows, row

if TYPE_CHECKING:  # loaded by what writes, so that reading need not wait for it
    import pyarrow as pa

Losses = Mapping[str, Mapping[str, float]]
"""Losses of one epoch: by part, then by name."""

NAME: Literal["trainings"] = "trainings"
_COLUMNS = "id, recipe, latent_dim, status, error, notes, started, seconds, device, weights"
_STORED = (
    *("id", "model", "network", "dataset", "seed", "latent_dim", "recipe"),
    *("status", "error", "notes", "started", "seconds", "device", "weights", "provenance"),
)
_KINDS = {"seed": "int64", "latent_dim": "int64", "started": "timestamp[us]", "seconds": "float64"}
_FIND = f"select {_COLUMNS} from trainings where id in (select unnest(?))"  # noqa: S608 a constant
_RECENT = f"select {_COLUMNS} from trainings order by rowid desc limit ?"  # noqa: S608 a constant
_IDS = "select id from trainings where starts_with(id, ?)"
_ORIGIN = "select provenance, started from trainings where id = ?"
_STATUS = "select status from trainings where id = ?"
_FORGET = "delete from trainings where id = ?"
_FORGET_EPOCHS = "delete from epochs where training = ?"
_EPOCHS = "select epoch, part, name, value from epochs where training = ? order by rowid"


def rows(record: TrainingRecord, epochs: Sequence[Losses], provenance: str) -> Rows:
    """Return the rows of a training and its losses, made by a process of that id."""
    parts = [record.name_of(part) for part in ("model", "network", "dataset")]
    recipe, notes = canonical_json(record.recipe), canonical_json(record.notes)
    asked = [record.id, *parts, record.seed, record.latent_dim, recipe]
    outcome = [record.status, record.error, notes, record.started, record.seconds, record.device, record.weights]
    found = {"trainings": row(_STORED, _KINDS, [*asked, *outcome, provenance])}
    losses = [
        (index, part, name, value)
        for index, losses in enumerate(epochs)
        for part, named in losses.items()
        for name, value in named.items()
    ]
    if losses:
        import pyarrow as pa

        index, part, name, value = zip(*losses, strict=True)
        found["epochs"] = pa.table(
            {
                "training": pa.array([record.id] * len(losses), pa.string()),
                "epoch": pa.array(index, pa.int64()),
                "part": pa.array(part, pa.string()),
                "name": pa.array(name, pa.string()),
                "value": pa.array(value, pa.float64()),
            }
        )
    return found


def origin(connection: DuckDBPyConnection, training_id: str) -> tuple[str, datetime] | None:
    """Return the id of the process that made a training, and when it began, or ``None`` if there is none."""
    rows = connection.execute(_ORIGIN, [training_id]).fetchall()
    return rows[0] if rows else None


def status(connection: DuckDBPyConnection, training_id: str) -> Status | None:
    """Return whether a training succeeded, or ``None`` if there is none."""
    rows = connection.execute(_STATUS, [training_id]).fetchall()
    return rows[0][0] if rows else None


def forget(connection: DuckDBPyConnection, training_id: str) -> None:
    """Remove a training and its losses."""
    connection.execute(_FORGET, [training_id])
    connection.execute(_FORGET_EPOCHS, [training_id])


def find_many(connection: DuckDBPyConnection, training_ids: Sequence[str]) -> dict[str, TrainingRecord]:
    """Return the trainings that are stored, by id."""
    records = map(_record, connection.execute(_FIND, [list(training_ids)]).fetchall())
    return {record.id: record for record in records}


def recent(connection: DuckDBPyConnection, limit: int) -> list[TrainingRecord]:
    """Return the latest trainings, the latest first."""
    return [_record(row) for row in connection.execute(_RECENT, [limit]).fetchall()]


def ids(connection: DuckDBPyConnection, prefix: str) -> list[str]:
    """Return the ids with a prefix."""
    return [row[0] for row in connection.execute(_IDS, [prefix]).fetchall()]


def epochs(connection: DuckDBPyConnection, training_id: str) -> list[dict[str, dict[str, float]]]:
    """Return the losses of each epoch, by split and name."""
    found: list[dict[str, dict[str, float]]] = []
    for epoch, part, name, value in connection.execute(_EPOCHS, [training_id]).fetchall():
        while len(found) <= epoch:
            found.append({})
        found[epoch].setdefault(part, {})[name] = value
    return found


def record_of(rows: pa.Table) -> TrainingRecord:
    """Return the training of a row, as :func:`rows` makes it."""
    [values] = rows.to_pylist()
    return _record([values[name] for name in _COLUMNS.split(", ")])


def _record(row: Sequence[Any]) -> TrainingRecord:
    training_id, recipe, latent_dim, status, error, notes, started, seconds, device, weights = row
    found = json.loads(recipe)
    if not (isinstance(started, datetime) and found.keys() >= {"model", "network", "dataset", "seed"}):
        raise ValueError(f"the recipe or the date of training {training_id} is none")
    return TrainingRecord(
        training_id, found, latent_dim, status, error, json.loads(notes), started, seconds, device, weights
    )
