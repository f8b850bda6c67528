"""The engine that writes: kept by the process, with a database for the moment that it is written.

Only our own statements run here; what reads has engines that can reach nothing else (:mod:`vaehub.store.reader`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.store.kept_engines import KeptEngines, quoted

FORMAT = "v1.0.0"
"""Storage format of new databases: the oldest that DuckDB writes, so that clients of any version 1 open them."""

Config = dict[str, str | bool | int | float | list[str]]

_WRITES_LARGE_COMMITS_APART = tuple(int(part) for part in duckdb.__version__.split(".")[:2]) >= (1, 5)
"""Whether a large commit has a threshold of its own; before, all had the same."""

WITHOUT_LOG: Config = {
    "checkpoint_threshold": "0b",
    **({"auto_checkpoint_skip_wal_threshold": 0} if _WRITES_LARGE_COMMITS_APART else {}),
}
"""Every commit is a checkpoint."""

WITHOUT_CHECKPOINTS: Config = {
    "checkpoint_threshold": "1TB",
    **({"auto_checkpoint_skip_wal_threshold": 2**62} if _WRITES_LARGE_COMMITS_APART else {}),
}
"""No commit is one, however large: what a checkpoint overwrites is kept first, when the database is closed."""

_NAME = "results"
"""Name of the attached database, which is that of the file, as when it is opened by itself."""

_kept = KeptEngines(2)
"""As many as threads are likely to write to stores at once."""


def started() -> DuckDBPyConnection:
    """Return an engine, to be handed back by :func:`detach` or :func:`keep`."""
    # One thread: rows are few, and starting more costs more than they save.
    return _kept.take() or duckdb.connect(config={"threads": 1, **WITHOUT_CHECKPOINTS})


def keep(engine: DuckDBPyConnection) -> None:
    """Keep an engine without a database for the next who writes."""
    _kept.keep(engine)


def attach(path: Path) -> DuckDBPyConnection:
    """Open a database to write to it; it is made if there is none, in :data:`FORMAT`.

    Raises:
        duckdb.Error: If it cannot be opened.
    """
    # Of a path that does not begin at the root, a beginning such as "s3:" names an extension to download.
    path = path.absolute()
    if "?" in str(path):
        # DuckDB takes what is before a question mark for the name of its log, which it cannot make. A commit is
        # therefore written into the file itself.
        return duckdb.connect(path, config={"threads": 1, "storage_compatibility_version": FORMAT, **WITHOUT_LOG})
    engine = started()
    try:
        # A database that is there keeps the format that it has.
        options = "" if path.exists() else f" (storage_version '{FORMAT}')"
        engine.execute(f"attach {quoted(path)} as {_NAME}{options}")
        engine.execute(f"use {_NAME}")
    except BaseException:
        engine.close()
        raise
    return engine


def detach(engine: DuckDBPyConnection, *, checkpoint: bool = True, again: bool = True) -> None:
    """Close the database: what was committed is written into its file, or stays in its log without a checkpoint.

    Args:
        engine: That has it.
        checkpoint: Whether to write into the file.
        again: Whether the engine can open another.
    """
    try:
        if not checkpoint:
            engine.execute("pragma disable_checkpoint_on_shutdown")
        engine.execute("use memory")
        engine.execute(f"detach {_NAME}")
    except BaseException as error:
        # The database is closed with its engine. What was committed is safe beside the file, in its log.
        engine.close()
        if not isinstance(error, duckdb.Error):
            raise
        return
    if checkpoint and again:
        keep(engine)
    else:
        engine.close()
