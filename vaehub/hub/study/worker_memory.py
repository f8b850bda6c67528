"""How many workers the memory at hand allows, by what those take that have done something."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from vaehub.files.bounds import memory_at_hand

log = logging.getLogger(__name__)

LEAST = 300 * 2**20
"""Bytes that a worker takes before it has any data: those of Python and PyTorch."""
MORE = 200 * 2**20
"""Bytes beyond what the largest worker has taken so far: a training and a metric take more than the trial of them."""
GLANCE = 0.2
"""Seconds for which a look at the memory holds: it costs milliseconds, and short cells come many in a second."""
_PROC = Path("/proc")


class WorkerMemory:
    """Decides how many workers there may be, and says so once if these are fewer than there could be.

    All are taken to need as much as the one that has taken most, since any of them may get the largest job.
    """

    def __init__(self) -> None:
        self._largest: int | None = None
        self._is_said = False
        self._seen: tuple[float, tuple[int, ...], int] | None = None

    @property
    def is_known(self) -> bool:
        """Whether a worker has said what a job takes."""
        return self._largest is not None

    def taken(self, n_bytes: int) -> None:
        """Note the most that a worker has taken so far."""
        self._largest = max(n_bytes, self._largest or 0)

    def n_workers(self, wanted: int, processes: Collection[int]) -> int:
        """Return how many of the wanted workers there may be, at least one.

        Args:
            wanted: How many could have a job.
            processes: Those that there are, whose memory is theirs to take again.
        """
        each = LEAST if self._largest is None else self._largest + MORE
        at_hand = self._at_hand(tuple(processes))
        allowed = max(min(wanted, 1), min(wanted, at_hand // each))
        if allowed < wanted and not self._is_said:
            self._is_said = True
            log.warning(
                "%d of %d worker processes are used, since each takes about %s MB and %s MB of memory are at hand",
                allowed,
                wanted,
                f"{each // 2**20:,}",
                f"{at_hand // 2**20:,}",
            )
        return allowed

    def _at_hand(self, processes: tuple[int, ...]) -> int:
        now = time.monotonic()
        if self._seen is None or self._seen[1] != processes or now - self._seen[0] >= GLANCE:
            self._seen = now, processes, memory_at_hand() + sum(map(_resident, processes))
        return self._seen[2]


def peak_of_process() -> int:
    """Return the most bytes of memory that this process has taken so far; 0 where the system does not say."""
    with suppress(OSError, StopIteration, ValueError):
        lines = (_PROC / "self" / "status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak) * (1 if sys.platform == "darwin" else 1024)
    return 0


def _resident(process: int) -> int:
    """Return the bytes of memory that a process takes now; 0 where the system does not say, or it has ended."""
    with suppress(OSError, IndexError, ValueError, AttributeError):
        return int((_PROC / str(process) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
