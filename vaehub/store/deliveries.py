"""Jobs that are done away from the database, and the records that they deliver, as files in a folder of the store.

A worker on another machine must not open the database, since neither its locks nor its log are made for file systems
of networks. It writes arrays where they belong, and the rows of each record into a file of its own; whoever opens the
database next collects them. All files are written beside their place and renamed, so that whatever is there is whole.

    <job>.json                 what is to be done
    <job>.<kind>-<id>.rows     a record that the job has made
    <job>.ended                that it has ended, and what could not be made
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaehub.store.errands import Parcel
from vaehub.store.failures import translated
from vaehub.store.files import PARTIAL, publish

JOB, ROWS, ENDED = ".json", ".rows", ".ended"


@dataclass(frozen=True)
class Delivery:
    """A record that a job has delivered.

    Attributes:
        job: Id of the job.
        record: Kind and id, such as ``training-4b09…``.
        path: Its file.
    """

    job: str
    record: str
    path: Path

    def parcel(self) -> Parcel | None:
        """Return the record; ``None`` if it is gone, or of another version of the store."""
        try:
            return Parcel.unpacked(self.path.read_bytes())
        except FileNotFoundError:
            return None


class Deliveries:
    """The folder of jobs of a store.

    Args:
        folder: The folder, which need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, job: str) -> Path:
        """Return the place of a job's text."""
        return self.folder / f"{job}{JOB}"

    def lay(self, job: str, text: str) -> None:
        """Lay a job down, to be done anew."""
        (self.folder / f"{job}{ENDED}").unlink(missing_ok=True)
        self._write(self.file_of(job), text.encode())

    def jobs(self) -> dict[str, Mapping[str, Any]]:
        """Return the jobs that were laid down and not removed, with their content."""
        found = {}
        for name in self._names():
            if name.endswith(JOB):
                with suppress(FileNotFoundError, ValueError):  # removed meanwhile
                    found[name.removesuffix(JOB)] = json.loads((self.folder / name).read_text())
        return found

    def deliver(self, job: str, parcel: Parcel) -> None:
        """Deliver a record, in the place of an earlier one of the same id."""
        path = self.folder / f"{job}.{parcel.table.removesuffix('s')}-{parcel.record}{ROWS}"
        self._write(path, parcel.whole())

    def delivered(self, jobs: Collection[str]) -> list[Delivery]:
        """Return what jobs have delivered and is still there, trainings first, because measurements need them."""
        split = [(name, *name.removesuffix(ROWS).partition(".")) for name in self._names() if name.endswith(ROWS)]
        found = [Delivery(job, record, self.folder / name) for name, job, _, record in split if job in jobs]
        return sorted(found, key=lambda each: (not each.record.startswith("training-"), each.path.name))

    def files(self) -> set[str]:
        """Return the names of the files of arrays that nobody points at yet, because they have not been collected."""
        jobs = {name.partition(".")[0] for name in self._names()}
        parcels = [delivery.parcel() for delivery in self.delivered(jobs)]
        return {name for parcel in parcels if parcel is not None for name in parcel.files}

    def end(self, job: str, failures: Mapping[str, str], refused: str = "") -> None:
        """Say that a job has ended.

        Args:
            job: Id of the job.
            failures: Reason for each measurement that could not be made.
            refused: Why the worker cannot do such jobs at all, if so.
        """
        said = json.dumps({"failures": dict(failures), "refused": refused})
        self._write(self.folder / f"{job}{ENDED}", said.encode())

    def ended(self) -> set[str]:
        """Return the jobs that have ended."""
        return {name.removesuffix(ENDED) for name in self._names() if name.endswith(ENDED)}

    def outcome(self, job: str) -> tuple[dict[str, str], str] | None:
        """Return what :meth:`end` was told of a job; ``None`` if it has not ended."""
        try:
            said = json.loads((self.folder / f"{job}{ENDED}").read_text())
        except FileNotFoundError:
            return None
        return dict(said["failures"]), str(said["refused"])

    def remove(self, jobs: Collection[str]) -> None:
        """Remove jobs with all that they delivered: it has been collected, or is made anew."""
        for name in self._names():
            if name.partition(".")[0] in jobs:
                (self.folder / name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        return sorted(os.listdir(self.folder)) if self.folder.is_dir() else []

    def _write(self, path: Path, content: bytes) -> None:
        with translated(f"a file in {str(self.folder)!r}", "written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}-{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
            try:
                partial.write_bytes(content)
                publish(partial, path)
            finally:
                partial.unlink(missing_ok=True)
