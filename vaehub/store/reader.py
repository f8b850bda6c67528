"""Connections that only read: what they may reach, and how much memory they may take.

Queries of users have an engine of their own, which is locked and ends with them. Our look-ups are many, and to start an
engine takes ten times as long as to open a file of a store: theirs is kept by the process, and the file is attached to
it for a moment. It reaches that file and its logs alone, whatever a stranger's store has in the place of our tables.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.files.bounds import memory_at_hand
from vaehub.store.kept_engines import KeptEngines, quoted

READ_ONLY: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}
"""A reader's SQL reaches the store's tables and nothing else: no files, no network, no Python variables."""
LOCKS = ("enable_external_access", "lock_configuration")
"""Those of them that can be set when a file is open, the last one last."""

_LEAST_MEMORY = 256 * 2**20
"""Bytes that a reader may have however little is free, since less opens no store of a usual size."""

_kept = KeptEngines(2)
"""For a process has one store, and at times another that is compared with it."""

_LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")
"""Endings of what DuckDB looks for beside a database that it opens: its log, and from 1.5 on the logs of a checkpoint
that was interrupted and of its recovery."""


def bounded() -> DuckDBPyConnection:
    """Return a connection without a database, which may take as much memory as a reader."""
    return duckdb.connect(config={"threads": 1, **_memory()})


def attached(path: Path) -> DuckDBPyConnection:
    """Open a file of a store for our look-ups; :func:`detach` closes it.

    Raises:
        duckdb.Error: If it cannot be opened.
    """
    if "?" in str(path):  # DuckDB finds no log beside such a path, which reader() allows for
        return reader(path)
    engine = _kept.take(path) or _started(path)
    try:
        for name, value in _memory().items():
            engine.execute(f"set {name} = '{value}'")
        engine.execute(f"attach {quoted(path)} as results (read_only)")
        engine.execute("use results")
    except BaseException:
        engine.close()
        raise
    return engine


def detach(engine: DuckDBPyConnection, path: Path, *, again: bool) -> None:
    """Close a file that :func:`attached` has opened.

    Args:
        engine: That has it.
        path: The file.
        again: Whether the engine can open it again: not if it has met damage, which makes it useless.
    """
    if again and "?" not in str(path):
        with suppress(duckdb.Error):
            engine.execute("use memory")
            engine.execute("detach results")
            _kept.keep(engine, path)
            return
    engine.close()


def _started(path: Path) -> DuckDBPyConnection:
    """Return an engine that reaches one file, and the logs that DuckDB reads with it."""
    config: dict[str, Any] = {key: READ_ONLY[key] for key in READ_ONLY.keys() - LOCKS}
    engine = duckdb.connect(config={"threads": 1, **config})
    reached = ", ".join(quoted(f"{path}{ending}") for ending in ("", *_LOGS))
    engine.execute(f"set allowed_paths = [{reached}]")
    engine.execute("set enable_external_access = false")
    return engine


def reader(path: Path) -> DuckDBPyConnection:
    """Open a file of a store for a query of a user, which reads it, and nothing else."""
    config: dict[str, Any] = {"threads": 1, **_memory(), **READ_ONLY}
    if "?" not in str(path):
        return duckdb.connect(path, read_only=True, config=config)
    # A reader is locked up only when it has looked for a log, which it cannot find beside such a path.
    connection = duckdb.connect(path, read_only=True, config={key: config[key] for key in config.keys() - LOCKS})
    for name in LOCKS:
        connection.execute(f"set {name} = {READ_ONLY[name]}")
    return connection


def _memory() -> dict[str, str]:
    """Return limits of a reader: half of the memory at hand, and no disk in its place."""
    return {"memory_limit": f"{max(memory_at_hand() // 2, _LEAST_MEMORY)}B", "max_temp_directory_size": "0B"}
