"""Locks of records while they are made, across processes; those of a process that dies are released."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vaehub.core.progress import task
from vaehub.store.failures import translated


@contextmanager
def holding(path: Path, record_id: str, store: str) -> Iterator[None]:
    """Hold a lock inside the context, once whoever holds it has ended.

    Args:
        path: Its file.
        record_id: What is made meanwhile.
        store: Where, as messages name it.

    Raises:
        StoreError: If the file cannot be made.
    """
    lock = FileLock(path)
    with translated(store, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with task(f"waiting for another process that makes {record_id[:8]}"):
                lock.acquire()
    try:
        yield
        # Recorded by now: a process that still waits on this file, and one that makes it anew, both find that out.
        # On a disk that fails just now it stays, and is harmless.
        with suppress(OSError):
            path.unlink()
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Return whether a process holds a lock at this moment."""
    # Opened to be read, unlike a lock that is taken: a store that cannot be written can be asked too.
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
