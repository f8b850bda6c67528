"""Records with arrays: the file is written first, and goes again if no row comes to point at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from vaehub.core.errors import NotRecorded, StoreError
from vaehub.core.result import Result
from vaehub.store import trainings
from vaehub.store.database import Locked
from vaehub.store.failures import translated
from vaehub.store.files import StoredFile, read_arrays, write_arrays
from vaehub.store.recording import Inserted
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord
from vaehub.store.session import Session

Arrays = Mapping[str, "NDArray[Any]"]


class Filing:
    """Files of arrays beside the rows of a store.

    Args:
        path: The store's folder.
        session: Its rows.
    """

    def __init__(self, path: Path, session: Session) -> None:
        self.folder = path / "arrays"
        self._name = f"store {str(path)!r}"
        self._session = session

    def training(
        self, record: TrainingRecord, epochs: Sequence[trainings.Losses], weights: Arrays | None, *, replace: bool
    ) -> TrainingRecord | None:
        """Record a training, as :meth:`vaehub.store.store.Store.record_training` says."""
        with self._recording("training", record) as written:
            file = write_arrays(self.folder, f"training-{record.id}", weights) if weights else None
            written.append(file)
            stored = dataclasses.replace(record, weights=file.name if file else None)
            inserted = self._session.insert_training(stored, epochs, file, replace=replace)
        return stored if self._tidied(inserted) else None

    def measurement(self, record: MeasurementRecord, result: Result, *, replace: bool) -> bool:
        """Record a measurement, as :meth:`vaehub.store.store.Store.record_measurement` says."""
        with self._recording("measurement", record) as written:
            file = write_arrays(self.folder, f"measurement-{record.id}", result.arrays) if result.arrays else None
            written.append(file)
            inserted = self._session.insert_measurement(record, result.without_arrays(), file, replace=replace)
        return self._tidied(inserted)

    def arrays(self, file: StoredFile | None) -> dict[str, NDArray[Any]]:
        """Return what a file holds, and nothing if there is none.

        Raises:
            StoreError: If it is missing or damaged.
        """
        return {} if file is None else read_arrays(self.folder / file.name, file.sha256)

    def whole(self, found: StoredMeasurement) -> StoredMeasurement:
        """Return a measurement with its arrays; raises as :meth:`arrays`."""
        if found.file is None:
            return found
        return dataclasses.replace(found, result=dataclasses.replace(found.result, arrays=self.arrays(found.file)))

    def remove(self, names: Sequence[str]) -> None:
        """Delete files that no row points at.

        Raises:
            StoreError: If the disk refuses.
        """
        with translated(self._name, "written"):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _recording(
        self, kind: Literal["training", "measurement"], record: TrainingRecord | MeasurementRecord
    ) -> Iterator[list[StoredFile | None]]:
        """Say that work was done if its record cannot be stored, and take back the file that was to be part of it."""
        written: list[StoredFile | None] = []
        try:
            yield written
        except StoreError as error:
            for file in written:
                if file is not None and (isinstance(error, Locked) or not self._is_pointed_at(record.id, file)):
                    with suppress(OSError):  # what a failing disk keeps, 'vaehub verify --sweep' finds
                        (self.folder / file.name).unlink()
            raise NotRecorded(f"{kind} {record.id[:8]} was made, but could not be recorded: {error}") from error

    def _is_pointed_at(self, record_id: str, file: StoredFile) -> bool:
        """Return whether a row names a file, as after a commit that failed when it was done already."""
        try:
            found = self._session.file_of(record_id)
        except StoreError:
            # It may have been recorded. If it was not, 'vaehub verify --sweep' finds the file.
            return True
        return found is not None and found.name == file.name

    def _tidied(self, inserted: Inserted) -> bool:
        """Delete the file that no row points at, and return whether the record was made."""
        if inserted.unwanted is not None:
            self.remove([inserted.unwanted.name])
        return inserted.recorded
