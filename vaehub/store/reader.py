"""Connections that only read: what they may reach, and how much memory they may take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.files.bounds import memory_at_hand

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


def bounded() -> DuckDBPyConnection:
    """Return a connection without a database, which may take as much memory as a reader."""
    return duckdb.connect(config={"threads": 1, **_memory()})


def reader(path: Path) -> DuckDBPyConnection:
    """Open a file of a store to be read, and nothing else."""
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
