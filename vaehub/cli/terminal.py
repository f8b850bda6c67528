"""Streams: data to standard output, hints and errors to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from vaehub.cli.standard_output import answer

if TYPE_CHECKING:
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
    from rich.console import Console

    stream = sys.stderr if stderr else answer()
    width = None if stream.isatty() else UNLIMITED
    return Console(file=None if stderr else stream, stderr=stderr, width=width, highlight=False, emoji=False)


def echo(line: object) -> None:
    """Print one line of data as it is, such as a path."""
    answer().write(f"{line}\n")


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON has no number for becomes null."""
    answer().write(as_json(value) + "\n")


def as_json(value: object) -> str:
    """Return a value as JSON; what JSON has no number for becomes null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str)


def text(value: object) -> str:
    """Return a value in one line: what is nested as JSON, bytes as DuckDB writes them."""
    if isinstance(value, bytes):
        return _escaped(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def hint(text: str) -> None:
    """Suggest a next step, if standard error is a terminal."""
    console = err()
    if console.is_terminal:
        console.print(text, style="dim", markup=False)


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        # DuckDB's sums of integers, too, are decimals; in JSON a whole number of any size is exact.
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, bytes):
        return _escaped(value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _escaped(value: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'\"" else f"\\x{byte:02X}" for byte in value)
