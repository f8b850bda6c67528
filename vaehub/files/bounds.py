"""Bounds on what data may cost, known before they are read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vaehub.core.errors import DataError

SHARE = 2
"""Data take at most one in this many parts of the memory at hand, unless the user allows more."""
UNKNOWN = 8 << 30
"""Bytes assumed where the system does not say how much memory there is."""
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


class TooLarge(DataError):  # noqa: N818 the size is what is wrong
    """Data declare that they take more memory than they may."""


@dataclass(frozen=True)
class Bound:
    """A number of bytes that data may take.

    Attributes:
        n_bytes: The number.
        origin: Where it comes from, in the words of a message.
    """

    n_bytes: int
    origin: str

    @classmethod
    def of(cls, max_bytes: int | None) -> Bound:
        """Return the user's bound, or half of the memory at hand where there is none."""
        if max_bytes is not None:
            return cls(max_bytes, "'data.max_bytes'")
        return cls(memory_at_hand() // SHARE, "half of the memory at hand")

    def check(self, n_bytes: int, what: str, instead: str = "") -> None:
        """Check a declared size.

        Args:
            n_bytes: The declared size.
            what: What has it, as the subject of a sentence in the plural.
            instead: What the user could do besides allowing more.

        Raises:
            TooLarge: If it is above the bound.
        """
        if n_bytes > self.n_bytes:
            raise TooLarge(
                f"{what} take {n_bytes:,} bytes, above {self.n_bytes:,} ({self.origin}); {instead}"
                f"allow them with '-s data.max_bytes={n_bytes}'"
            )


def memory_at_hand() -> int:
    """Return the bytes of memory that this process can still take: of the machine, of its container, of its limits."""
    found: list[int] = []
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text().splitlines()
        found.append(1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))))
    # A container has "max" where it has no limit of its own.
    with suppress(OSError, ValueError):
        limit, used = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        found.append(max(0, limit - max(0, used - _given_back())))
    with suppress(ImportError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            found.append(soft)
    return min(found, default=UNKNOWN)


def _given_back() -> int:
    """Return the bytes of a container's memory that hold files read before, and are free for whoever needs them."""
    with suppress(OSError, ValueError, StopIteration):
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("inactive_file ")))
    return 0


class Budget:
    """Bytes that threads share: each waits until what it needs is free.

    Args:
        n_bytes: Bytes in all; one that needs more gets all of them, alone.
    """

    def __init__(self, n_bytes: int) -> None:
        self._all = self._free = max(1, n_bytes)
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, n_bytes: int) -> Iterator[None]:
        """Hold some bytes inside the context."""
        needed = min(n_bytes, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= needed)
            self._free -= needed
        try:
            yield
        finally:
            with self._changed:
                self._free += needed
                self._changed.notify_all()
