"""Opening the database: briefly, in turn, and only if it is one that we understand.

DuckDB lets one process write, or several read. A process therefore holds the file only for the moment of a commit or a
query, and waits for its turn, in the order of arrival. The turn is a lock file beside the database, held from before it
is opened until it is closed: DuckDB 2.0 reads the headers of a file before it locks it, so that a commit in between
could be overwritten and lost.
"""

from __future__ import annotations

import errno
import os
import random
import re
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.core.errors import StoreError, first_line
from vaehub.store import engine
from vaehub.store.failures import interruptible
from vaehub.store.files import PARTIAL, publish
from vaehub.store.kept_engines import quoted
from vaehub.store.reader import attached, detach, reader
from vaehub.store.schema import VERSION, migrate, recorded_version
from vaehub.store.turns import Turn, TurnTimeout, is_awaited, turn
from vaehub.store.undo import Undo

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.05
"""Seconds between two attempts to open a file that another process holds."""

CONFINE = "set enable_external_access = false"
"""Cannot be taken back as long as the engine runs; files that are open can be written."""

Use = Literal["look up", "query", "write"]
"""What the file is opened for: look-ups and records are ours, queries are SQL of users."""

# One process must not open a file twice with different settings, so its threads take turns.
_turns: dict[Path, threading.RLock] = defaultdict(threading.RLock)


class Locked(StoreError):  # noqa: N818 as its neighbours
    """Another process had the store for so long that nothing was done with it."""


class Database:
    """The DuckDB file of a store.

    Args:
        path: The file; made by the first write.
        timeout: Seconds to wait for one and the same process; as long as others take turns, the wait goes on.
        upgrades: Whether a file of an earlier schema is brought up to date to be read, and not refused.
    """

    def __init__(self, path: Path, timeout: float, *, upgrades: bool = True) -> None:
        self.path = path
        self.timeout = timeout
        self._upgrades = upgrades
        self._tickets = path.parent / "turns"
        self._undo = Undo(path)
        self._turn = _turns[path.resolve()]
        self._holder: int | None = None
        self._connection: DuckDBPyConnection | None = None
        self.n_openings = 0
        self._use: Use = "look up"
        self._is_confined = False

    @property
    def is_held(self) -> bool:
        """Whether this thread is in the middle of writing."""
        return self._writes and self._holder == threading.get_ident()

    @property
    def _writes(self) -> bool:
        return self._connection is not None and self._use == "write"

    @contextmanager
    def session(self, errand: Callable[[], bytes | None] | None = None) -> Iterator[Turn]:
        """Take the turn until the context ends; what is opened meanwhile stays open till then.

        Other processes wait, so make it short. Within one, a thread may begin others, which change nothing.

        Args:
            errand: What will be written, as :func:`vaehub.store.turns.turn` takes it.
        """
        with interruptible(), self._turn:
            if self._holder is not None:
                yield Turn(self._tickets)
                return
            if errand is not None:
                self._expect_to_write()
            with self._locked(errand) as mine:
                if mine.is_served:
                    yield mine
                    return
                self._holder = threading.get_ident()
                try:
                    yield mine
                except BaseException:
                    self._close(again=False)
                    raise
                finally:
                    self._close()
                    self._holder = None

    @contextmanager
    def reading(self) -> Iterator[DuckDBPyConnection]:
        """Open the file for look-ups that cannot change it, nor touch anything else.

        Raises:
            StoreError: If it cannot be opened, is no store, is newer than this version, or stays locked.
        """
        with self.session():
            if self._connection is None:
                self._open("look up")
            assert self._connection is not None, "it has been opened"
            yield self._connection

    @contextmanager
    def querying(self) -> Iterator[DuckDBPyConnection]:
        """Open the file for SQL of users, which can do nothing but read it; raises as :meth:`reading`."""
        with self.session():
            self._close()
            try:
                self._open("query")
                assert self._connection is not None, "it has been opened"
                yield self._connection
            finally:
                self._close()

    @contextmanager
    def reading_anew(self) -> Iterator[DuckDBPyConnection]:
        """Open the file as :meth:`reading` does, but not again what failed, since damage makes a connection useless."""
        try:
            with self.reading() as connection:
                yield connection
        except duckdb.Error:
            self._close(again=False)
            raise

    @contextmanager
    def as_it_is(self) -> Iterator[DuckDBPyConnection]:
        """Open the file to be read, even one of an earlier schema, which stays so."""
        with self.session():
            self._close()
            connection, _ = self._connect("query")
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def attached(self, connection: DuckDBPyConnection, name: str) -> Iterator[None]:
        """Attach the file, to be read, to a connection that has another database."""
        with self.session():
            self._close()
            path = quoted(self.path.absolute())
            self._patiently(lambda: connection.execute(f"attach {path} as {name} (read_only)"))
            try:
                yield
            finally:
                with suppress(duckdb.Error):  # it is detached when the connection is closed
                    connection.execute(f"detach {name}")

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
                if self._commits_are_checkpoints:
                    self._undo.keep(connection)
                connection.commit()
            except BaseException:
                # There is none if an interruption came just after the commit.
                with suppress(duckdb.TransactionException):
                    connection.rollback()
                raise

    @property
    def is_awaited(self) -> bool:
        """Whether another process waits for its turn, while it is this one's."""
        return is_awaited(self._tickets)

    @contextmanager
    def held(self, *, confined: bool = False) -> Iterator[DuckDBPyConnection]:
        """Hold the file for a burst of transactions; other processes wait, so make it short.

        Args:
            confined: Whether views in the place of our tables must reach nothing else either, since it is looked at.
        """
        if self._holder is None:
            self._expect_to_write()
        with self.session():
            if self._writes:
                assert self._connection is not None, "it is open as long as it is written"
                yield self._connection
                return
            # One process must not open a file twice with different settings. It is opened to be read when next needed.
            self._close()
            try:
                self._open("write")
                assert self._connection is not None, "it has been opened"
                if confined:
                    self._is_confined = True
                    self._connection.execute(CONFINE)
                yield self._connection
            finally:
                self._close()
                self._is_confined = False

    def _expect_to_write(self) -> None:
        """Do before the turn comes what no other process should wait for."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        engine.keep(engine.started())

    def _make(self) -> None:
        """Make the file beside its place, so that no process that is killed and no full disk leaves half of it."""
        path = self.path.with_name(f"{self.path.name}-{secrets.token_hex(4)}{PARTIAL}")
        try:
            connection = engine.attach(path)
            try:
                migrate(connection)
                connection.execute("checkpoint")
            finally:
                engine.detach(connection)
            publish(path, self.path)
        finally:
            for each in (path, path.with_name(f"{path.name}.wal")):
                each.unlink(missing_ok=True)

    def _open(self, use: Use) -> None:
        if use == "write" and not self.path.exists():
            self._make()
        connection, version = self._connect(use)
        if version != VERSION and use != "write":
            self._end(connection, use)
            has = f"store {str(self.path.parent)!r} has schema {version}, which is read once it has been upgraded to"
            if not self._upgrades:
                raise StoreError(f"{has} {VERSION}; any command that shows it does that")
            if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
                raise StoreError(f"{has} {VERSION}, and it cannot be written here; copy it to a place where it can")
            with self.held():
                pass  # opening for writing migrates
            connection, version = self._connect(use)
        self._connection, self._use = connection, use
        self.n_openings += 1
        if version != VERSION:
            if self._commits_are_checkpoints:
                self._undo.keep(connection)
            migrate(connection)

    def _close(self, *, again: bool = True) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._end(connection, self._use, again=again)

    def _end(self, connection: DuckDBPyConnection, use: Use, *, again: bool = True) -> None:
        """Close the file; if it was opened to be written, its log becomes a checkpoint.

        Args:
            connection: To it.
            use: What it was opened for.
            again: Whether an engine of look-ups can be used again, which it cannot when it has met damage.
        """
        if use == "look up":
            detach(connection, self.path.absolute(), again=again)
            return
        if use == "query":
            connection.close()
            return
        can_be_undone = False
        try:
            # What was committed is safe in the log without a checkpoint, until there is room for the undo of one.
            with suppress(OSError, duckdb.Error):
                if self._log.exists() and self._log.stat().st_size:
                    self._undo.keep(connection)
                can_be_undone = True
        finally:
            try:
                engine.detach(connection, checkpoint=can_be_undone, again=not self._is_confined)
            finally:
                self._undo.end()

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}.wal")

    @property
    def _commits_are_checkpoints(self) -> bool:
        """Whether DuckDB would not find a log beside this path."""
        return "?" in str(self.path.absolute())

    @contextmanager
    def _locked(self, errand: Callable[[], bytes | None] | None) -> Iterator[Turn]:
        if not os.access(self.path.parent, os.W_OK):
            yield Turn(self._tickets)  # a store that can only be read has no writers to wait for
            return
        with ExitStack() as stack:
            lock = self.path.with_suffix(".lock")
            try:
                taken = stack.enter_context(turn(self._tickets, lock, self.timeout, errand))
            except TurnTimeout as error:
                if error.was_taken:  # what was to be written may be, and nothing of it may be taken back
                    raise StoreError(
                        f"store {str(self.path.parent)!r} has been locked for more than {self.timeout:g} s by another "
                        "process, which may have written the record in the place of this one; 'vaehub show' tells"
                    ) from error
                raise self._stays_locked("") from error
            except OSError as error:
                # A disk that failed, and that the system therefore writes no more, still says that it can be written.
                if error.errno != errno.EROFS:
                    raise
                taken = Turn(self._tickets)
            yield taken

    def _stays_locked(self, holder: str) -> Locked:
        return Locked(
            f"store {str(self.path.parent)!r} has been locked by another process{holder} for more than "
            f"{self.timeout:g} s; wait until it is done, or raise VAEHUB_LOCK_TIMEOUT"
        )

    def _connect(self, use: Use) -> tuple[DuckDBPyConnection, int]:
        connection = self._opened(use)
        try:
            return connection, self._version(connection)
        except BaseException:
            self._end(connection, use, again=False)
            raise

    def _version(self, connection: DuckDBPyConnection) -> int:
        version = recorded_version(connection)
        if version is None:
            raise StoreError(f"{self.path} is a DuckDB database but no vaehub store; name another with '--store'")
        if version > VERSION:
            raise StoreError(
                f"store {str(self.path.parent)!r} has schema {version}, and this vaehub knows schemas up to {VERSION}; "
                "upgrade vaehub to use it"
            )
        return version

    def _opened(self, use: Use) -> DuckDBPyConnection:
        # Of a path that does not begin at the root, a beginning such as "s3:" names an extension to download.
        path = self.path.absolute()
        if self._commits_are_checkpoints and self._log.exists():
            raise StoreError(
                f"store {str(self.path.parent)!r} holds commits in {self._log.name}, which DuckDB does not find where "
                "a path has a question mark; move the store to a path without, and use it there once"
            )
        opening = {"look up": attached, "query": reader, "write": self._attached}[use]
        return self._patiently(lambda: opening(path))

    def _attached(self, path: Path) -> DuckDBPyConnection:
        self._undo.begin()
        try:
            return engine.attach(path)
        except BaseException:
            self._undo.end()
            raise

    def _patiently(self, opening: Callable[[], DuckDBPyConnection]) -> DuckDBPyConnection:
        """Open the file again and again, until the process that holds it is done."""
        try:
            self._undo.restore()
        except OSError as error:
            raise StoreError(
                f"store {str(self.path.parent)!r} was left in the middle of a write, which is undone when it is opened "
                f"where it can be written, and here it cannot ({error.strerror}); copy it to a place where it can"
            ) from error
        patience = random.SystemRandom()
        deadline, wait = time.monotonic() + self.timeout, FIRST_WAIT
        while True:
            try:
                return opening()
            except duckdb.Error as error:
                if "Could not set lock" not in str(error):
                    raise StoreError(f"{self.path} cannot be opened as a database: {first_line(error)}") from error
                if time.monotonic() >= deadline:
                    raise self._stays_locked(_holder(error)) from error
            # Waits differ, or processes that collided once would collide for ever.
            time.sleep(wait * patience.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT)


def _holder(error: duckdb.Error) -> str:
    found = re.search(r"PID (\d+)", str(error))
    return f" ({found.group(1)})" if found else ""
