"""The table ``provenance``: which process wrote, with what."""

import json
import os
import platform
import shlex
import subprocess
import sys
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from uuid import uuid4

from duckdb import DuckDBPyConnection

from vaehub.store.records import now
from vaehub.store.rows import Rows, row

_COLUMNS = ("id", "vaehub", "plugins", "python", "torch", "platform", "git_commit", "command_line", "started")
_IS_THERE = "select 1 from provenance where id = ?"


class Provenance:
    """This process, as every record that it writes names it.

    Args:
        plugins: Version of each distribution that contributes plugins.
    """

    def __init__(self, plugins: dict[str, str]) -> None:
        self._plugins = plugins
        self._begin()
        self._started = now()

    def _begin(self) -> None:
        self.id = uuid4().hex
        self.is_stored = False
        self._seen_in: int | None = None
        self._process = os.getpid()

    def prepare(self) -> None:
        """Find out what will be inserted, which takes longer than other processes should wait for."""
        if self._process != os.getpid():
            self._begin()  # a fork is another process
        if not self.is_stored:
            _ = self._row

    def has_vanished(self, connection: DuckDBPyConnection, opening: int) -> bool:
        """Return whether the process was stored and is not: the store was deleted or replaced meanwhile.

        Args:
            connection: To the database.
            opening: Number of its opening; as long as it stays open, what was there is.
        """
        self.prepare()
        if not self.is_stored or self._seen_in == opening:
            return False
        self._seen_in = opening
        return not connection.execute(_IS_THERE, [self.id]).fetchall()

    def rows(self) -> Rows:
        """Return the row of the process, or none if it is known to be stored.

        Whoever opened the transaction sets ``is_stored`` once it has been committed, and unsets it if it has vanished.
        """
        self.prepare()
        if self.is_stored:
            return {}
        return {"provenance": row(_COLUMNS, {"started": "timestamp[us]"}, [self.id, *self._row])}

    @cached_property
    def _row(self) -> list[object]:
        plugins = json.dumps(self._plugins, sort_keys=True)
        versions = [_version("vaehub"), plugins, platform.python_version(), _version("torch"), platform.platform()]
        return [*versions, _git_commit(), shlex.join(sys.argv), self._started]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git_commit() -> str | None:
    try:
        command = ["git", "rev-parse", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None  # no git, or no repository
    return found.stdout.strip()
