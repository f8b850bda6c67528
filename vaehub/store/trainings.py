"""The tables ``trainings`` and ``epochs``."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from vaehub.core.identity import canonical_json
from vaehub.store.records import Insertion, Status, TrainingRecord

Losses = Mapping[str, Mapping[str, float]]
"""Losses of one epoch: by part, then by name."""

_COLUMNS = "id, recipe, latent_dim, status, error, notes, started, seconds, device, weights"
_FIND = f"select {_COLUMNS} from trainings where id in (select unnest(?))"  # noqa: S608 a constant
_RECENT = f"select {_COLUMNS} from trainings order by rowid desc limit ?"  # noqa: S608 a constant
_IDS = "select id from trainings where starts_with(id, ?)"
_STATUS = "select status from trainings where id = ?"
_INSERT = "insert into trainings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "delete from trainings where id = ?"
_FORGET_EPOCHS = "delete from epochs where training = ?"
_INSERT_EPOCHS = "insert into epochs select $1, * from incoming"
_EPOCHS = "select epoch, part, name, value from epochs where training = ? order by rowid"


def prepared(record: TrainingRecord, epochs: Sequence[Losses]) -> Insertion:
    """Return what inserts a training and its losses, with all work done that needs no database."""
    parts = [record.name_of(part) for part in ("model", "network", "dataset")]
    recipe, notes = canonical_json(record.recipe), canonical_json(record.notes)
    asked = [record.id, *parts, record.seed, record.latent_dim, recipe]
    outcome = [record.status, record.error, notes, record.started, record.seconds, record.device, record.weights]
    rows = [
        (index, part, name, value)
        for index, losses in enumerate(epochs)
        for part, named in losses.items()
        for name, value in named.items()
    ]
    incoming = None
    if rows:
        import pyarrow as pa

        incoming = pa.table(dict(zip(("epoch", "part", "name", "value"), zip(*rows, strict=True), strict=True)))

    def insert(connection: DuckDBPyConnection, provenance: str) -> None:
        connection.execute(_INSERT, [*asked, *outcome, provenance])
        if incoming is not None:  # DuckDB finds the table by the name of this variable
            connection.execute(_INSERT_EPOCHS, [record.id])

    return insert


def insert(connection: DuckDBPyConnection, record: TrainingRecord, epochs: Sequence[Losses], provenance: str) -> None:
    """Insert a training and its losses; nothing may be stored of it yet."""
    prepared(record, epochs)(connection, provenance)


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


def _record(row: Sequence[Any]) -> TrainingRecord:
    training_id, recipe, latent_dim, status, error, notes, started, seconds, device, weights = row
    found = json.loads(recipe)
    if not (isinstance(started, datetime) and found.keys() >= {"model", "network", "dataset", "seed"}):
        raise ValueError(f"the recipe or the date of training {training_id} is none")
    return TrainingRecord(
        training_id, found, latent_dim, status, error, json.loads(notes), started, seconds, device, weights
    )
