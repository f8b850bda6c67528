"""Rows as JSON, a part after the other, so that a long answer takes no more memory than a short one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from vaehub.cli import terminal

if TYPE_CHECKING:
    from vaehub.cli.answers import Answer

PART = 1000
"""Rows that are Python's at once."""


def write(rows: Answer, file: IO[str]) -> None:
    """Write rows as one list of objects, exactly as :func:`terminal.print_json` would; JSON is not text there."""
    first = True
    for part in rows.parts(PART):
        nested = part.json_columns
        for row in part:
            item = dict(zip(rows.columns, row, strict=True))
            text = _text(item, nested)
            file.write(("[\n  " if first else ",\n  ") + text.replace("\n", "\n  "))
            first = False
    file.write("[]\n" if first else "\n]\n")


def _text(item: dict[str, object], nested: Iterable[str]) -> str:
    try:
        parsed = {name: json.loads(text) for name in nested if isinstance(text := item[name], str)}
        return terminal.as_json(item | parsed)
    except (ValueError, RecursionError):
        # DuckDB takes numbers and depths that Python does not: such JSON stays the text that it is.
        return terminal.as_json(item)
