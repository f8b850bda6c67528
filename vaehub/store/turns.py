"""Turns in the order of arrival: whoever waits for a store has a ticket, and waits for the one before it.

A ticket is a named pipe that its process holds open. Whoever has the next ticket sleeps until something comes through
the pipe, or until the system closes it, because the process has ended, however it ended; the dead hold up nobody, and
waiting costs nothing. Tickets give order and nothing else: that no two processes write at once is ensured by the lock
beside the database. A wrong order, such as that of two computers whose clocks differ, or none at all, where no ticket
can be made, costs patience only.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

SUFFIX, DRAWN = ".ticket", ".drawn"
LIFE_SIGN = 1.0
"""Seconds between two looks at whether the process before lives, should its end have gone unnoticed."""
LOOK = 0.001
"""Seconds between two looks at a lock whose process has no ticket."""


class TurnTimeout(Exception):  # noqa: N818 the name that such errors have everywhere
    """The turn did not come in time."""


@contextmanager
def turn(folder: Path, lock: Path, patience: float) -> Iterator[None]:
    """Wait for one's turn, and hold the lock until the context ends.

    Args:
        folder: Where tickets are kept.
        lock: The file to lock.
        patience: Seconds to wait while the turn is one and the same process's; as long as turns change, the wait goes
            on, because its end is in sight.

    Raises:
        TurnTimeout: If the same process had its turn for so long.
        OSError: If the lock cannot be made.
    """
    with _ticket(folder) as ticket:
        if ticket is not None:
            _wait_for_those_before(ticket, patience)
        # A process of an earlier version, or of another computer, may still have it. The lock is made anew each time,
        # since one that a fork inherited is refused.
        held = FileLock(lock)
        try:
            held.acquire(timeout=patience, poll_interval=LOOK)
        except Timeout as error:
            raise TurnTimeout from error
        try:
            yield
        finally:
            held.release()


@contextmanager
def _ticket(folder: Path) -> Iterator[Path | None]:
    """Draw a ticket, and give it back when the context ends; ``None`` where none can be made, as on a full disk."""
    try:
        drawn = _drawn(folder)
    except OSError:
        drawn = None
    if drawn is None:
        yield None
        return
    path, pipe = drawn
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        # Closing it would not wake anybody while a fork of this process still has it open.
        with suppress(BlockingIOError):
            os.write(pipe, b"!")
        os.close(pipe)


def _drawn(folder: Path) -> tuple[Path, int]:
    folder.mkdir(parents=True, exist_ok=True)
    # Arrival in nanoseconds of a clock that all processes of a computer share, as 20 digits, so that names sort.
    path = folder / f"{time.monotonic_ns():020}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
    # A ticket that is not locked is taken for that of a dead process: it gets its name when it is.
    unnamed = path.with_suffix(DRAWN)
    os.mkfifo(unnamed)
    try:
        # To read and to write, so that neither opening nor writing waits for another process.
        pipe = os.open(unnamed, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.flock(pipe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(path)
        except OSError:
            os.close(pipe)
            raise
    except OSError:
        unnamed.unlink(missing_ok=True)
        raise
    return path, pipe


def dead_tickets(folder: Path) -> list[Path]:
    """Return the tickets of processes that have died, which those behind them have not taken away."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix in (SUFFIX, DRAWN) and path.is_fifo():
            with suppress(OSError):
                pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    if _locked(pipe):
                        found.append(path)
                finally:
                    os.close(pipe)
    return found


def _wait_for_those_before(own: Path, patience: float) -> None:
    first, since = None, time.monotonic()
    while before := [each for each in _tickets(own.parent) if each < own.name]:
        if before[0] != first:
            first, since = before[0], time.monotonic()
        elif time.monotonic() - since >= patience:
            raise TurnTimeout
        _wait_for(own.parent / before[-1], since + patience)


def _wait_for(ticket: Path, deadline: float) -> None:
    """Wait until a ticket was given back, or its process died, or until the deadline."""
    try:
        pipe = os.open(ticket, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        end = select.poll()
        end.register(pipe, select.POLLIN)
        while ticket.exists() and (now := time.monotonic()) < deadline:
            if _locked(pipe):
                # Its process has died. Names are never used twice, so that what is taken away here is no later one.
                ticket.unlink(missing_ok=True)
                return
            end.poll(1000 * min(LIFE_SIGN, deadline - now))
    finally:
        os.close(pipe)


def _locked(pipe: int) -> bool:
    try:
        fcntl.flock(pipe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tickets(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
