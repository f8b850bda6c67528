"""Writing the answer to a query, a part after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from vaehub.cli import json_rows, tables, terminal
from vaehub.cli.standard_output import answer
from vaehub.core.errors import VaehubError, first_line
from vaehub.hub.parquet import write_parquet
from vaehub.hub.views import Rows, beyond_dates, must_differ
from vaehub.hub.whole_file import can_be_written, whole_file

if TYPE_CHECKING:
    import pyarrow as pa

    from vaehub.store.spill import Spill

SHOWN = 1000
"""Rows of an answer that are printed as a table."""
PART = 2048
"""Rows that are read at once."""


class Answer(Protocol):
    """Rows that are written once, in order."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""

    def parts(self, size: int) -> Iterator[Rows]:
        """Return the rows in parts of so many at most."""


class Streamed:
    """Rows of which a part is in memory at a time.

    Args:
        spill: The rows.
    """

    def __init__(self, spill: Spill) -> None:
        self._spill = spill

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._spill.schema.names)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self._spill.schema

    def parts(self, size: int) -> Iterator[Rows]:
        """Return the rows in parts of so many at most."""
        import pyarrow as pa

        for batch in self._spill:
            yield from Rows(pa.Table.from_batches([batch])).parts(size)


def check(form: str, output: Path | None) -> None:
    """See whether an answer could be written so, before it is computed.

    Raises:
        VaehubError: If it could not.
    """
    if output is None:
        return
    if form in ("table", "json"):
        raise VaehubError(f"a file can be csv or parquet, and {form!r} was asked for; redirect the output instead")
    can_be_written(output, "the answer")


def write(rows: Answer, form: str, output: Path | None) -> None:
    """Write rows to a file or to standard output.

    Args:
        rows: The answer.
        form: ``json``, ``csv`` or ``parquet``.
        output: The file; standard output if ``None``.

    Raises:
        VaehubError: If the file cannot be written, or cannot hold the answer.
    """
    check(form, output)
    if form == "json":
        must_differ(rows.columns, "JSON can hold one")
        json_rows.write(rows, answer())
        return
    if output is None:
        _write(rows, form, answer().buffer)
        return
    with whole_file(output, "the answer") as place, place.open("wb") as file:
        _write(rows, form, file)


def show(rows: Answer) -> None:
    """Print the first rows as a table, whose columns are as wide as what they hold, and how many there are in all."""
    first: list[Sequence[object]] = []
    n, json = 0, Rows(rows.schema.empty_table()).json_columns
    for part in rows.parts(PART):
        # Only rows that are shown become Python's objects.
        first += next(part.parts(SHOWN - len(first)), ()) if len(first) < SHOWN else ()
        n += len(part)
    tables.table(rows.columns, first, json=json)
    if n > SHOWN:
        words = f"{SHOWN:,} of {n:,} rows; '--format csv' and '--json' give all"
        terminal.out().print(words, markup=False)


def _write(rows: Answer, form: str, file: IO[bytes]) -> None:
    import pyarrow as pa

    try:
        if form == "csv":
            file.write(",".join(map(_quoted, rows.columns)).encode() + b"\n")
            for part in rows.parts(PART):
                file.write(_lines(_flat(part)))
        else:
            write_parquet(file, rows.schema, (part.to_arrow() for part in rows.parts(PART)))
    except pa.ArrowException as error:
        raise VaehubError(
            f"the answer cannot be written as {form}: {first_line(error)}; ask for the column as text, with '::varchar'"
        ) from error


def _quoted(text: str) -> str:
    is_plain = text and not any(letter in text for letter in ',"\r\n')
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def _lines(table: pa.Table) -> bytes:
    """Return rows as lines of CSV, with quotes only where text needs them: empty text has them, a missing value not."""
    import pyarrow as pa
    from pyarrow import compute, types

    columns = []
    for column in table.columns:
        text = column.cast(pa.string())
        if types.is_string(column.type) or types.is_large_string(column.type) or types.is_dictionary(column.type):
            needs = compute.match_substring_regex(text, r'[,"\r\n]|^$')
            doubled = compute.replace_substring(text, '"', '""')
            text = compute.if_else(needs, compute.binary_join_element_wise('"', doubled, '"', ""), text)
        columns.append(text)
    if not len(table):
        return b""
    # The only field of a line, if it is missing, would be an empty line, which readers of CSV pass over.
    missing = '""' if len(columns) == 1 else ""
    joined = compute.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement=missing)
    return ("\n".join(joined.to_pylist()) + "\n").encode()


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
