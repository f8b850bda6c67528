"""Rows as JSON, a part after the other, so that a long answer takes no more memory than a short one."""

from __future__ import annotations

import json
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
            item |= {name: json.loads(text) for name in nested if isinstance(text := item[name], str)}
            text = terminal.as_json(item)
            file.write(("[\n  " if first else ",\n  ") + text.replace("\n", "\n  "))
            first = False
    file.write("[]\n" if first else "\n]\n")
