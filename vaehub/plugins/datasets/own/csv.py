"""CSV files: their delimiter, whether they have a header, and their columns."""

from __future__ import annotations

import csv
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from vaehub import DataError, first_line
from vaehub.files import Bound
from vaehub.plugins.datasets.own.params import VectorsParams
from vaehub.plugins.datasets.own.table import TableFile

DELIMITERS = ("\t", ";", "|", ",", " ")
"""Tried in this order: a comma may be the decimal point of a file whose fields another character separates."""
LOOKED_AT = 100
"""Lines from which delimiter and header are found."""
BLOCK = 1 << 20
"""Bytes that are looked at at a time, to see how many rows and fields there are."""
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "<NA>", "?")
"""Fields of a column of numbers that stand for none."""
UNNAMED = ("", "Unnamed: 0")
"""Names that a first column has if pandas or R wrote row names or numbers there."""
LARGEST = 2**53
"""Whole numbers beyond this are rounded in floating point."""

Rows = list[list[str]]


@dataclass(frozen=True)
class Layout:
    """How a CSV file is to be read.

    Attributes:
        names: Of its columns.
        delimiter: Between fields.
        skipped: Lines before the first row of values.
        decimal: Decimal point.
        has_header: Whether the names are in the file.
    """

    names: tuple[str, ...]
    delimiter: str
    skipped: int
    decimal: str
    has_header: bool


def csv_file(params: VectorsParams) -> TableFile:
    """Return the columns of a CSV file.

    Raises:
        TooLarge: If it takes more bytes than it may.
        DataError: If it is empty, is no text, has rows of different lengths, or could be read in two ways.
    """
    path = params.path
    _check_size(path, params.delimiter, params.bound)
    layout = _layout(params)
    index = layout.names[:1] if layout.has_header and layout.names[0] in UNNAMED else ()
    notes = () if layout.has_header else ("the first row is one of values, so that columns are named 0, 1, 2, …",)

    def read(names: Sequence[str], exact: Sequence[str] = ()) -> dict[str, Any]:
        found = _read(path, layout, names)
        # Rounded, identifiers that differ would be one class, so they are read as words.
        rounded = [name for name in exact if _is_rounded(found[name])]
        return found | _read(path, layout, rounded, as_text=rounded) if rounded else found

    return TableFile(path, layout.names, index, read, notes)


def _read(path: Path, layout: Layout, names: Sequence[str], as_text: Sequence[str] = ()) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    try:
        with _stream(path) as stream:
            table = arrow.read_csv(
                _single_spaced(stream) if layout.delimiter == " " else stream,
                arrow.ReadOptions(column_names=list(layout.names), skip_rows=layout.skipped),
                arrow.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
                arrow.ConvertOptions(
                    include_columns=list(names),
                    null_values=list(MISSING),
                    decimal_point=layout.decimal,
                    column_types={name: pa.string() for name in as_text},
                ),
            )
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read as a CSV file ({first_line(error)[:150].rstrip('.')}); correct it"
        ) from error
    return {name: _trimmed(table[name]) for name in names}


def _is_rounded(column: Any) -> bool:
    """Return whether numbers are too large for floating point to tell neighbours apart, as those of identifiers are."""
    import pyarrow as pa
    from pyarrow import compute

    return bool(
        pa.types.is_floating(column.type) and len(column) and (compute.max(compute.abs(column)).as_py() or 0) >= LARGEST
    )


def _trimmed(column: Any) -> Any:
    """Return texts without the spaces around them, which follow the commas in some files."""
    import pyarrow as pa
    from pyarrow import compute

    return compute.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column


def _layout(params: VectorsParams) -> Layout:
    path = params.path
    lines, comments = _first_lines(path)
    if not lines:
        raise DataError(f"{path} holds no rows; give a file with a row of values for each observation")
    delimiter = params.delimiter or _delimiter(lines)
    rows = _fields(lines, delimiter)
    if len(lines) == LOOKED_AT:
        rows = rows[:-1]  # it may go on in the next line
    first, rest = rows[0], rows[1:]
    # R writes row names without a name for their column.
    short = bool(rest) and len(first) + 1 == len(rest[0])
    if short:
        first = ["", *first]
    widths = {len(row) for row in (first, *rest)}
    if len(widths) > 1:
        at = next(number for number, row in enumerate((first, *rest), 1) if len(row) != len(first))
        raise DataError(
            f"{path} has rows of {len(first)} and of {len(rows[at - 1])} fields (row {at}), separated by "
            f"{delimiter!r}; correct it, or say another with '-s data.delimiter=…'"
        )
    decimal = _decimal(rows, delimiter)
    has_header = params.header if params.header is not None else short or _is_header(first, rest, decimal, path)
    names = tuple(each.strip() for each in first) if has_header else tuple(map(str, range(len(first))))
    return Layout(names, delimiter, comments + has_header, decimal, has_header)


def _first_lines(path: Path) -> tuple[list[str], int]:
    """Return the first lines that are no comments, and the number of comments before them."""
    try:
        with _stream(path) as stream:
            lines = [line.decode("utf-8-sig") for line in itertools.islice(stream, LOOKED_AT)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a CSV file in UTF-8 ({error}); save it as such") from error
    n = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    return [line.rstrip("\r\n") for line in lines[n:] if line.strip()], n


def _check_size(path: Path, delimiter: str | None, bound: Bound) -> None:
    """Check what the fields take, as texts and as numbers of double precision, without keeping any of them."""
    n_bytes, n_rows, n_fields = 0, 0, Counter[str]()
    try:
        with _stream(path) as stream:
            while block := stream.read(BLOCK):
                n_bytes += len(block)
                n_rows += block.count(b"\n")
                n_fields.update({each: block.count(each.encode()) for each in (delimiter or "", *DELIMITERS) if each})
                taken = n_bytes + 8 * (n_rows + max(n_fields.values()))
                bound.check(taken, f"the rows of {path}, as far as they were looked at,")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as a CSV file ({error}); replace it") from error


def _stream(path: Path) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _single_spaced(stream: IO[bytes]) -> IO[bytes]:
    import io

    return io.BytesIO(b"\n".join(b" ".join(line.split()) for line in stream))


def _fields(lines: Sequence[str], delimiter: str) -> Rows:
    if delimiter == " ":
        lines = [" ".join(line.split()) for line in lines]
    return [row for row in csv.reader(lines, delimiter=delimiter) if row]


def _delimiter(lines: Sequence[str]) -> str:
    for each in DELIMITERS:
        widths = [len(row) for row in _fields(lines, each)]
        # All rows but for the first, which may lack the name of a first column, and the last, which may be cut.
        if min(widths) > 1 and len(set(widths[1:])) <= 1 and widths[-1] - widths[0] in (0, 1):
            return each
    return ","


def _decimal(rows: Rows, delimiter: str) -> str:
    fields = {field.strip() for row in rows for field in row}
    commas = any(re.fullmatch(r"[-+]?\d*,\d+(e[-+]?\d+)?", field, re.IGNORECASE) for field in fields)
    points = any(re.fullmatch(r"[-+]?\d*\.\d+(e[-+]?\d+)?", field, re.IGNORECASE) for field in fields)
    return "," if commas and not points and delimiter != "," else "."


def _is_header(first: list[str], rest: Rows, decimal: str, path: Path) -> bool:
    """Return whether the first row has names: where it has a word and the column below has numbers, or no numbers."""
    if not rest:
        return not all(_is_number(field, decimal) for field in first)
    body = first[1:] if first[0].strip() in UNNAMED and len(first) > 1 else first
    below = [field.strip() for row in rest for field in row[len(first) - len(body) :] if field.strip() not in MISSING]
    if all(field.strip().isdigit() for field in body) and len(set(body)) == len(body):
        is_counted = [field.strip() for field in body] == [str(at) for at in range(len(body))]
        whole = sum(field.lstrip("+-").isdigit() for field in below)
        if is_counted and len(body) > 1 and whole < len(below):
            return True  # pandas numbers the columns of a table that has no names
        if is_counted or not whole:
            row = ", ".join(first[:4]) + (", …" if len(first) > 4 else "")
            raise DataError(
                f"{path} begins with the row {row}, which may be names or values; say which with "
                "'-s data.header=true' or 'false'"
            )
    if not any(_is_number(field, decimal) for field in body):
        return any(_is_number(field, decimal) for row in rest for field in row)
    columns = zip(first, zip(*rest, strict=True), strict=True)
    return any(
        field.strip() not in MISSING
        and not _is_number(field, decimal)
        and all(_is_number(each, decimal) or each.strip() in MISSING for each in column)
        for field, column in columns
    )


def _is_number(field: str, decimal: str) -> bool:
    try:
        float(field.strip().replace(decimal, "."))
    except ValueError:
        return False
    return field.strip().lower() not in ("nan", "+nan", "-nan")
