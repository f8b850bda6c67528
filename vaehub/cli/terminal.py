"""Streams: data to standard output, hints and errors to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

UNLIMITED = 10_000
"""Columns of output that is not a terminal: a file or a pipe must lose nothing to the width of a screen."""


def out() -> Console:
    """Return the console for data."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for everything else."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else UNLIMITED, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON has no number for becomes null."""
    sys.stdout.write(as_json(value) + "\n")


def as_json(value: object) -> str:
    """Return a value as JSON; what JSON has no number for becomes null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str)


def hint(text: str) -> None:
    """Suggest a next step, if standard error is a terminal."""
    console = err()
    if console.is_terminal:
        console.print(text, style="dim", markup=False)


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
