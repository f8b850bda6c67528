"""Turns in the order of arrival: whoever waits for a store has a ticket, and waits for the one before it.

A ticket is a named pipe that its process holds open. Whoever has the next ticket sleeps until something comes through
the pipe, or until the system closes it, because the process has ended, however it ended; the dead hold up nobody, and
waiting costs nothing. Tickets give order and nothing else: that no two processes write at once is ensured by the lock
beside the database. A wrong order, such as that of two computers whose clocks differ, or none at all, where no ticket
can be made, costs patience only.

Whoever waits may lay an errand beside its ticket, a file that says what is to be done. Whoever has the turn may take
it, by renaming it, carry it out, and report so, by renaming it again; its owner then need not wait any longer. An
errand that was taken and not reported, because the process was killed or could not do it, is done by its owner in its
own turn, who finds out whether it was carried out all the same.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

SUFFIX, DRAWN = ".ticket", ".drawn"
LAID, ERRAND, TAKEN, DONE = ".laid", ".errand", ".taken", ".done"
"""States of the errand of a ticket, in this order; the first while it is written."""
LIFE_SIGN = 1.0
"""Seconds between two looks at whether the process before lives, should its end have gone unnoticed."""
LOOK = 0.001
"""Seconds between two looks at a lock whose process has no ticket."""


class TurnTimeout(Exception):  # noqa: N818 the name that such errors have everywhere
    """The turn did not come in time.

    Args:
        was_taken: Whether another process has taken the errand meanwhile, and may still carry it out.
    """

    def __init__(self, *, was_taken: bool = False) -> None:
        super().__init__()
        self.was_taken = was_taken


@dataclass(frozen=True)
class Errand:
    """What another process waits for, taken by this one.

    Attributes:
        ticket: Of the other process.
        content: What is to be done.
    """

    ticket: Path
    content: bytes

    def report_done(self) -> None:
        """Tell the other process that it need not wait."""
        with suppress(FileNotFoundError):  # it has given up
            self.ticket.with_suffix(TAKEN).rename(self.ticket.with_suffix(DONE))
        with suppress(OSError):  # it is dead, which whoever waits for it sees
            pipe = os.open(self.ticket, os.O_WRONLY | os.O_NONBLOCK)
            # Before anybody wakes: whoever waited for this ticket waits for the one before it then, or has the turn.
            self.ticket.unlink(missing_ok=True)
            _wake(pipe)


@dataclass(frozen=True)
class Turn:
    """One's turn, or the news that it is not needed.

    Attributes:
        folder: Where tickets are kept.
        is_served: Whether another process has carried out the errand.
        was_taken: Whether another process has taken the errand; it may have carried it out though it did not report.
    """

    folder: Path
    is_served: bool = False
    was_taken: bool = False

    def errands(self, most: int) -> list[Errand]:
        """Take the errands of those who wait, at most so many, in the order of arrival."""
        found: list[Errand] = []
        for name in _names(self.folder, ERRAND)[:most] if self.folder.is_dir() else []:
            path = self.folder / name
            with suppress(FileNotFoundError):  # its process has given up
                taken = path.rename(path.with_suffix(TAKEN))
                found.append(Errand(path.with_suffix(SUFFIX), taken.read_bytes()))
        return found


@contextmanager
def turn(folder: Path, lock: Path, patience: float, errand: Callable[[], bytes | None] | None = None) -> Iterator[Turn]:
    """Wait for one's turn, and hold the lock until the context ends; or until another process did the errand.

    Args:
        folder: Where tickets are kept.
        lock: The file to lock.
        patience: Seconds to wait while the turn is one and the same process's; as long as turns change, the wait goes
            on, because its end is in sight.
        errand: Returns what another process may do in the place of this one, if anything; asked only if one is before.

    Raises:
        TurnTimeout: If the same process had its turn for so long.
        OSError: If the lock cannot be made.
    """
    with _ticket(folder) as ticket:
        was_taken = False
        if ticket is not None:
            if errand is not None and ticket.before():
                ticket.lay(errand())
            if ticket.wait(patience):
                yield Turn(folder, is_served=True)
                return
            was_taken = ticket.withdraw()
        # A process of an earlier version, or of another computer, may still have it. The lock is made anew each time,
        # since one that a fork inherited is refused.
        held = FileLock(lock)
        try:
            held.acquire(timeout=patience, poll_interval=LOOK)
        except Timeout as error:
            raise TurnTimeout(was_taken=was_taken) from error
        try:
            yield Turn(folder, ticket is not None and ticket.is_served, was_taken)
        finally:
            held.release()


@contextmanager
def _ticket(folder: Path) -> Iterator[_Ticket | None]:
    """Draw a ticket, and give it back when the context ends; ``None`` where none can be made, as on a full disk."""
    try:
        drawn = _drawn(folder)
    except OSError:
        drawn = None
    if drawn is None:
        yield None
        return
    try:
        yield drawn
    finally:
        _remove(drawn.path)
        # Closing it would not wake anybody while a fork of this process still has it open.
        _wake(drawn.pipe)


@dataclass
class _Ticket:
    path: Path
    pipe: int
    has_errand: bool = False

    @property
    def is_served(self) -> bool:
        return self.has_errand and self.path.with_suffix(DONE).exists()

    def before(self) -> list[str]:
        return [each for each in _names(self.path.parent, SUFFIX) if each < self.path.name]

    def lay(self, errand: bytes | None) -> None:
        if errand is None:
            return
        laid = self.path.with_suffix(LAID)
        try:
            laid.write_bytes(errand)
            laid.rename(self.path.with_suffix(ERRAND))  # whole, or not there
        except OSError:  # as on a full disk: without one, all that is lost is time
            laid.unlink(missing_ok=True)
        else:
            self.has_errand = True

    def withdraw(self) -> bool:
        """Take the errand back, and return whether another process had taken it before."""
        if not self.has_errand:
            return False
        try:
            self.path.with_suffix(ERRAND).unlink()
        except FileNotFoundError:
            return True
        return False

    def wait(self, patience: float) -> bool:
        """Wait until nobody is before, or until the errand was carried out, and return whether it was."""
        first, since = None, time.monotonic()
        while not self.is_served and (before := self.before()):
            if before[0] != first:
                first, since = before[0], time.monotonic()
            elif time.monotonic() - since >= patience:
                raise TurnTimeout(was_taken=self.withdraw())
            self._wait_for(self.path.parent / before[-1], since + patience)
        return self.is_served

    def _wait_for(self, ticket: Path, deadline: float) -> None:
        """Wait until a ticket was given back, its process died, the errand was carried out, or until the deadline."""
        try:
            pipe = os.open(ticket, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        try:
            news = select.poll()
            news.register(pipe, select.POLLIN)
            news.register(self.pipe, select.POLLIN)
            while ticket.exists() and not self.is_served and (now := time.monotonic()) < deadline:
                if _locked(pipe):
                    # Its process has died. Names are never used twice, so that what is taken away here is no later one.
                    _remove(ticket)
                    return
                news.poll(1000 * min(LIFE_SIGN, deadline - now))
        finally:
            os.close(pipe)


def _drawn(folder: Path) -> _Ticket:
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
    return _Ticket(path, pipe)


def is_awaited(folder: Path) -> bool:
    """Return whether others have tickets beside the one whose turn it is; those of the dead are taken away.

    A computer that lost power leaves tickets whose names may come after all new ones, so that nobody ever waits behind
    them and takes them away: the clock of names begins anew with the computer.
    """
    tickets = [folder / name for name in _names(folder, SUFFIX)] if folder.is_dir() else []
    dead = [ticket for ticket in tickets if _is_dead(ticket)]
    for ticket in dead:
        _remove(ticket)
    return len(tickets) - len(dead) > 1


def left_by_the_dead(folder: Path) -> list[Path]:
    """Return tickets and errands of processes that have died, which those behind them have not taken away."""
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    dead = {path for path in there if path.suffix in (SUFFIX, DRAWN) and path.is_fifo() and _is_dead(path)}
    errands = [path for path in there if path.suffix in (LAID, ERRAND, TAKEN, DONE)]
    return sorted(dead) + [
        path for path in errands if (ticket := path.with_suffix(SUFFIX)) in dead or ticket not in there
    ]


def _is_dead(ticket: Path) -> bool:
    try:
        pipe = os.open(ticket, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # it was given back
        return False
    try:
        return _locked(pipe)
    finally:
        os.close(pipe)


def _locked(pipe: int) -> bool:
    try:
        fcntl.flock(pipe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wake(pipe: int) -> None:
    """Wake whoever waits at a pipe, and close it."""
    with suppress(BlockingIOError):  # it is full, and has woken them
        os.write(pipe, b"!")
    os.close(pipe)


def _remove(ticket: Path) -> None:
    """Remove a ticket and its errand; on a disk that fails just then they stay, and hold nobody up who can write."""
    for suffix in (LAID, ERRAND, TAKEN, DONE, SUFFIX):
        with suppress(OSError):
            ticket.with_suffix(suffix).unlink()


def _names(folder: Path, suffix: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(suffix))
