"""Writing the answer to a query."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

from vaehub.cli import json_rows
from vaehub.core.errors import VaehubError
from vaehub.hub.views import Rows


def write(rows: Rows, form: str, output: Path | None) -> None:
    """Write rows to a file or to standard output.

    Args:
        rows: The answer.
        form: ``table``, ``json``, ``csv`` or ``parquet``.
        output: The file; standard output if ``None``.

    Raises:
        VaehubError: If the file cannot be written.
    """
    if form == "json" and output is None:
        json_rows.write(rows, sys.stdout)
        return
    if form in ("table", "json") and output is not None:
        raise VaehubError(f"a file can be csv or parquet, and {form!r} was asked for; redirect the output instead")
    try:
        if output is None:
            _write(rows, form, sys.stdout.buffer)
        else:
            with output.open("wb") as file:
                _write(rows, form, file)
    except OSError as error:
        raise VaehubError(f"{str(output)!r} cannot be written: {error.strerror}") from error


def _write(rows: Rows, form: str, file: IO[bytes]) -> None:
    if form == "csv":
        from pyarrow import csv

        csv.write_csv(rows.to_arrow(), file)
    else:
        from pyarrow import parquet

        parquet.write_table(rows.to_arrow(), file)
