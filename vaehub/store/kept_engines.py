"""DuckDB without a database, kept by the process: to start one takes longer than to record or to look up a measurement.

A database is attached to it for a moment, and detached.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Hashable
from pathlib import Path

from duckdb import DuckDBPyConnection


class KeptEngines:
    """Engines that are used again; they end with the process, and before a fork of it, which would be without threads.

    Args:
        most: How many are kept. One more, and that which was kept first is closed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[Hashable, DuckDBPyConnection]] = []
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.close)

    def take(self, use: Hashable = None) -> DuckDBPyConnection | None:
        """Return an engine that was kept for this use, if there is one."""
        found = next((each for each in reversed(self._kept) if each[0] == use), None)
        if found is None:
            return None
        self._kept.remove(found)
        return found[1]

    def keep(self, engine: DuckDBPyConnection, use: Hashable = None) -> None:
        """Keep an engine for whoever takes it next."""
        self._kept.append((use, engine))
        while len(self._kept) > self._most:
            self._kept.pop(0)[1].close()

    def close(self) -> None:
        """Close all that are kept."""
        while self._kept:
            self._kept.pop()[1].close()


def quoted(path: Path | str) -> str:
    """Return a path as a statement has it."""
    doubled = str(path).replace("'", "''")
    return f"'{doubled}'"
