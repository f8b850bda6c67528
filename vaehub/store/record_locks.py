"""Locks on records while they are made, across processes; that of a process that dies is released."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vaehub.core.progress import task
from vaehub.store.failures import translated


class RecordLocks:
    """The locks of a store.

    Args:
        path: The store's folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path / "locks"

    @contextmanager
    def held(self, record_id: str) -> Iterator[None]:
        """Hold the lock of a record; waits for as long as another process has it."""
        path = self._folder / f"{record_id}.lock"
        lock = FileLock(path)
        with translated(f"store {str(self._path)!r}", "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                with task(f"waiting for another process that makes {record_id[:8]}"):
                    lock.acquire()
        try:
            yield
            # Recorded by now: a process that still waits on this file, and one that makes it anew, both find that out.
            path.unlink(missing_ok=True)
        finally:
            lock.release()

    def is_held(self, record_id: str) -> bool:
        """Return whether a process has the lock of a record at this moment."""
        path = self._folder / f"{record_id}.lock"
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def any_held(self) -> str | None:
        """Return the id of a record that is being made at this moment, if there is any."""
        names = sorted(each.stem for each in self._folder.glob("*.lock"))
        return next((name for name in names if self.is_held(name)), None)
