"""The session of a job away from the database: it delivers records, and knows those that the job was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, cast

from vaehub.core.identity import Json
from vaehub.core.result import Result
from vaehub.store import arrays, measurements, trainings
from vaehub.store.deliveries import Deliveries
from vaehub.store.errands import Parcel
from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.provenance import Provenance
from vaehub.store.published import Paper
from vaehub.store.recording import Inserted
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord
from vaehub.store.rows import Rows
from vaehub.store.session import Session
from vaehub.store.trainings import Losses

Known = Mapping[str, tuple[TrainingRecord, StoredFile | None]]
"""Trainings by id, with the files of their weights."""


class DeliverySession(Session):
    """Trainings and measurements of one job.

    Args:
        deliveries: Where records go.
        job: Id of the job.
        provenance: This process, which every record names.
        known: Trainings that the store had when the job was laid down.
    """

    def __init__(self, deliveries: Deliveries, job: str, provenance: Provenance, known: Known) -> None:
        self._deliveries = deliveries
        self._job = job
        self._provenance = provenance
        self._measured: dict[str, StoredMeasurement] = {}
        self._trained = dict(known)
        self._status: dict[str, str] = {}
        # An earlier attempt at this job may have been killed: what it delivered is not made again.
        for delivery in deliveries.delivered([job]):
            if (parcel := delivery.parcel()) is not None:
                self._status[parcel.record] = parcel.status
                if parcel.table == "trainings":
                    self._trained[parcel.record] = trainings.record_of(parcel.rows["trainings"]), _file_of(parcel.rows)

    @property
    def exists(self) -> bool:
        """It does: whoever laid the job down has seen to it."""
        return True

    @property
    def done(self) -> set[str]:
        """Ids of what this job has made with success."""
        return {name for name, status in self._status.items() if status == "done"}

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Nothing is opened here."""
        yield

    def prepare(self, papers: Iterable[Paper]) -> None:
        """Nothing is left to do."""

    def find_many(self, measurement_ids: Sequence[str]) -> dict[str, StoredMeasurement]:
        """Return those that this process has made, by id, without their arrays."""
        return {name: self._measured[name] for name in measurement_ids if name in self._measured}

    def trainings(self, training_ids: Sequence[str]) -> dict[str, TrainingRecord]:
        """Return the trainings that the job knows, by id."""
        return {name: self._trained[name][0] for name in training_ids if name in self._trained}

    def file_of(self, owner: str) -> StoredFile | None:
        """Return the file of a training's weights or a measurement's arrays."""
        if owner in self._trained:
            return self._trained[owner][1]
        return self._measured[owner].file if owner in self._measured else None

    def ids(self, prefix: str) -> list[tuple[Literal["training", "measurement"], str]]:
        """Return kind and id of the records whose id begins so."""
        found: list[tuple[Literal["training", "measurement"], str]] = []
        found += [("training", name) for name in self._trained if name.startswith(prefix)]
        found += [("measurement", name) for name in self._measured if name.startswith(prefix)]
        return found

    def insert_training(
        self, record: TrainingRecord, epochs: Sequence[Losses], file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """Deliver a training, whose weights are in a file."""
        known = self._trained.get(record.id)
        if known is not None and known[0].status == "done" and not (replace and record.status == "done"):
            return Inserted(recorded=False, unwanted=file)
        self._deliver("trainings", record, trainings.rows(record, epochs, self._id), file)
        self._trained[record.id] = record, file
        # The file of an earlier one may be pointed at by the database, and is left to the sweep.
        return Inserted(recorded=True, unwanted=None)

    def insert_measurement(
        self, record: MeasurementRecord, result: Result, file: WrittenFile | None, *, replace: bool
    ) -> Inserted:
        """Deliver a measurement and its values; its arrays are in a file."""
        if record.id in self.done and not (replace and record.status == "done"):
            return Inserted(recorded=False, unwanted=file)
        self._deliver("measurements", record, measurements.rows(record, result, self._id), file)
        training = self._trained.get(record.training or "", (None, None))[0]
        self._measured[record.id] = StoredMeasurement(record, training, result, file)
        return Inserted(recorded=True, unwanted=None)

    @property
    def _id(self) -> str:
        self._provenance.prepare()
        return self._provenance.id

    def _deliver(
        self,
        table: Literal["trainings", "measurements"],
        record: TrainingRecord | MeasurementRecord,
        rows: Rows,
        file: WrittenFile | None,
    ) -> None:
        pointers = {} if file is None else arrays.rows(record.id, file)
        whole = {**self._provenance.rows(), **rows, **pointers}
        self._deliveries.deliver(self._job, Parcel(table, record.id, self._id, is_known=False, rows=whole))
        self._status[record.id] = record.status


def plain_of(known: Known) -> list[Json]:
    """Return known trainings as plain values."""
    return [
        {
            "record": asdict(record) | {"started": record.started.isoformat()},
            "file": None if file is None else _plain_file(file),
        }
        for record, file in known.values()
    ]


def known_of(plain: Sequence[Mapping[str, Any]]) -> Known:
    """Return known trainings from plain values."""
    found = {}
    for each in plain:
        values = {**each["record"], "started": datetime.fromisoformat(each["record"]["started"])}
        file = None if each["file"] is None else StoredFile(**each["file"])
        found[str(values["id"])] = TrainingRecord(**values), file
    return found


def _plain_file(file: StoredFile) -> dict[str, Json]:
    return {"name": file.name, "sha256": file.sha256}


def _file_of(rows: Rows) -> StoredFile | None:
    if "arrays" not in rows:
        return None
    first = rows["arrays"].slice(0, 1).to_pylist()[0]
    return StoredFile(cast(str, first["file"]), cast(str, first["sha256"]))
