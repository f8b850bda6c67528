"""Opening the database: briefly, in turn, and only if it is one that we understand.

DuckDB lets one process write, or several read. A process therefore holds the file only for the moment of a commit or a
query and waits for its turn. Turns among our own processes are taken by a lock file beside the database, held from
before it is opened until it is closed: DuckDB 2.0 reads the headers of a file before it locks it, so that a commit in
between could be overwritten and lost.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from filelock import FileLock, Timeout

from vaehub.core.errors import StoreError
from vaehub.store.schema import VERSION, migrate, version_of

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.05
"""Seconds between two attempts to open a file that another process holds."""

READ_ONLY: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}
"""A reader's SQL reaches the store's tables and nothing else: no files, no network, no Python variables."""

_INTERRUPTED = "Query interrupted"
"""What DuckDB says in a ``RuntimeError`` without a cause."""

# One process must not open a file twice with different settings, so its threads take turns.
_turns: dict[Path, threading.RLock] = defaultdict(threading.RLock)


class Database:
    """The DuckDB file of a store.

    Args:
        path: The file; made by the first write.
        timeout: Seconds to wait for other processes.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        self._turn = _turns[path.resolve()]
        self._held: DuckDBPyConnection | None = None
        self._holder: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this thread is in the middle of writing."""
        return self._holder == threading.get_ident()

    @contextmanager
    def reading(self) -> Iterator[DuckDBPyConnection]:
        """Open the file for queries that cannot change it, nor touch anything else.

        Raises:
            StoreError: If it cannot be opened, is no store, is newer than this version, or stays locked.
        """
        with interruptible(), self._turn:
            if self._held is not None:
                yield self._held
                return
            with self._locked(), closing(self._connect(read_only=True)) as connection:
                if version_of(connection) == VERSION:
                    yield connection
                    return
            with self.held():
                pass  # opening for writing migrates
            with self._locked(), closing(self._connect(read_only=True)) as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """Open the file for one transaction: all of it is stored when the context ends, or nothing.

        Raises:
            StoreError: As for :meth:`reading`.
        """
        with self.held() as connection:
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                # There is none if an interruption came just after the commit.
                with suppress(duckdb.TransactionException):
                    connection.rollback()
                raise

    @contextmanager
    def held(self) -> Iterator[DuckDBPyConnection]:
        """Hold the file for a burst of transactions; other processes wait, so make it short."""
        with interruptible(), self._turn:
            if self._held is not None:
                yield self._held
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(), closing(self._connect(read_only=False)) as connection:
                if version_of(connection) != VERSION:
                    migrate(connection)
                self._held, self._holder = connection, threading.get_ident()
                try:
                    yield connection
                finally:
                    self._held = self._holder = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not os.access(self.path.parent, os.W_OK):
            yield  # a store that can only be read has no writers to wait for
            return
        # Made anew each time, since a lock that a fork inherited is refused.
        lock = FileLock(self.path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=self.timeout, poll_interval=FIRST_WAIT)
        except Timeout as error:
            raise self._stays_locked("") from error
        try:
            yield
        finally:
            lock.release()

    def _stays_locked(self, holder: str) -> StoreError:
        return StoreError(
            f"store {str(self.path.parent)!r} has been locked by another process{holder} for more than "
            f"{self.timeout:g} s; wait until it is done, or raise VAEHUB_LOCK_TIMEOUT"
        )

    def _connect(self, *, read_only: bool) -> DuckDBPyConnection:
        connection = self._opened(read_only=read_only)
        version = version_of(connection)
        if version is None or version > VERSION:
            connection.close()
            if version is None:
                raise StoreError(f"{self.path} is a DuckDB database but no vaehub store; name another with '--store'")
            raise StoreError(
                f"store {str(self.path.parent)!r} has schema {version}, and this vaehub knows schemas up to {VERSION}; "
                "upgrade vaehub to use it"
            )
        return connection

    def _opened(self, *, read_only: bool) -> DuckDBPyConnection:
        patience = random.SystemRandom()
        deadline, wait = time.monotonic() + self.timeout, FIRST_WAIT
        while True:
            try:
                # One thread: rows are few, and starting more costs more than they save.
                config = {"threads": 1, **(READ_ONLY if read_only else {})}
                return duckdb.connect(self.path, read_only=read_only, config=config)
            except duckdb.Error as error:
                if "Could not set lock" not in str(error):
                    raise StoreError(f"{self.path} cannot be opened as a database: {_first_line(error)}") from error
                if time.monotonic() >= deadline:
                    raise self._stays_locked(_holder(error)) from error
            # Waits differ, or processes that collided once would collide for ever.
            time.sleep(wait * patience.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise an interruption that comes during a query as what it is.

    DuckDB takes the ``KeyboardInterrupt`` and raises another error, which would be recorded as a failure of the work,
    and the work would go on.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise


def _holder(error: duckdb.Error) -> str:
    found = re.search(r"PID (\d+)", str(error))
    return f" ({found.group(1)})" if found else ""


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
