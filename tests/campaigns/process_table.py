"""What Linux says of processes: what they have started, what they lock, and how to stop them to look."""

import fcntl
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

Process = tuple[int, str]
"""A number, which is used again, and the moment of birth, which tells one user of the number from the next."""


def descendants(pid: int) -> set[Process]:
    """Return the processes that a process has started, and those that these have."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            parents[int(entry.name), fields[19]] = int(fields[1])
    found: set[Process] = set()
    wanted = {pid}
    while new := {each for each, parent in parents.items() if parent in wanted} - found:
        found |= new
        wanted = {each for each, _ in new}
    return found


def workers(pid: int) -> list[Process]:
    """Return the worker processes of a study, the oldest first; what only watches over resources is none."""
    return sorted(each for each in descendants(pid) if "spawn_main" in _command_line(each[0]))


def is_alive(process: Process) -> bool:
    fields = _stat(process[0])
    return bool(fields) and fields[19] == process[1] and fields[0] not in "ZX"


def killed(pid: int) -> bool:
    """Kill a process where it is; returns whether it lived."""
    fields = _stat(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return bool(fields) and fields[0] not in "ZX"
    return False


def stopped(pid: int) -> bool:
    """Stop a process where it is; returns whether it lives, and stands still."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        while (fields := _stat(pid)) and fields[0] not in "ZX":
            if fields[0] == "T":
                return True
            time.sleep(0.001)
    return False


def locked_by(pids: Iterable[int]) -> set[int]:
    """Return the files, by inode, that processes have locked: looking does not disturb whoever waits for them."""
    wanted = set(map(str, pids))
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    # Of a process that waits for a lock, an arrow stands before the kind of the lock.
    return {int(line[5].rpartition(":")[2]) for line in lines if line[1] == "FLOCK" and line[4] in wanted}


def locked(path: Path) -> list[str]:
    """Return the locks and tickets of a store that a process holds."""
    held = []
    for each in (*path.glob("*.lock"), *path.glob("locks/*.lock"), *path.glob("turns/*.ticket")):
        file = os.open(each, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.append(str(each.relative_to(path)))
        finally:
            os.close(file)
    return held


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
