"""Writing the answer to a query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from vaehub.cli import json_rows, terminal
from vaehub.cli.standard_output import answer
from vaehub.core.errors import VaehubError, first_line
from vaehub.hub.views import Rows, beyond_dates
from vaehub.hub.whole_file import whole_file

if TYPE_CHECKING:
    import pyarrow as pa


def write(rows: Rows, form: str, output: Path | None) -> None:
    """Write rows to a file or to standard output.

    Args:
        rows: The answer.
        form: ``table``, ``json``, ``csv`` or ``parquet``.
        output: The file; standard output if ``None``.

    Raises:
        VaehubError: If the file cannot be written, or cannot hold the answer.
    """
    if form == "json" and output is None:
        _must_differ(rows.columns)
        json_rows.write(rows, answer())
        return
    if form in ("table", "json") and output is not None:
        raise VaehubError(f"a file can be csv or parquet, and {form!r} was asked for; redirect the output instead")
    # What cannot be written is refused before a file is touched.
    table = _flat(rows) if form == "csv" else rows.to_arrow()
    if output is None:
        _write(table, form, answer().buffer)
        return
    with whole_file(output, "the answer") as place, place.open("wb") as file:
        _write(table, form, file)


def _write(table: pa.Table, form: str, file: IO[bytes]) -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if form == "csv":
            csv.write_csv(table, file)
        else:
            parquet.write_table(table, file)
    except pa.ArrowException as error:
        raise VaehubError(
            f"the answer cannot be written as {form}: {first_line(error)}; ask for the column as text, with '::varchar'"
        ) from error


def _flat(rows: Rows) -> pa.Table:
    """Return rows for a format of numbers and text: what is nested as JSON, bytes as DuckDB writes them.

    Raises:
        VaehubError: If Arrow has no text for a date.
    """
    import pyarrow as pa
    from pyarrow import compute, types

    table = rows.to_arrow()
    for at, field in enumerate(table.schema):
        if types.is_nested(field.type) or types.is_binary(field.type):
            texts = [None if value is None else terminal.text(value) for (value,) in Rows(table.select([at]))]
            table = table.set_column(at, field.name, pa.array(texts, pa.string()))
        elif types.is_date(field.type) or types.is_timestamp(field.type):
            written = table.column(at).cast(pa.string())
            if compute.any(compute.starts_with(written, "<")).as_py():
                raise beyond_dates(field.name)
    return table


def _must_differ(columns: Sequence[str]) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise VaehubError(f"two columns are named {twice!r}, and JSON can hold one; name the other with 'as'")
