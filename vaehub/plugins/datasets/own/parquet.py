"""Parquet files: their columns, and which of them are a table's index."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaehub import DataError, first_line
from vaehub.files import Bound
from vaehub.plugins.datasets.own.table import TableFile

UNNAMED = re.compile(r"__index_level_\d+__")
"""How pandas names the column of an index without a name."""


def parquet_file(path: Path, bound: Bound) -> TableFile:
    """Return the columns of a Parquet file, which are read when they are asked for.

    Raises:
        TooLarge: If columns that are asked for take more bytes than they may.
        DataError: If it is not a Parquet file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Not parquet.read_table, which would add columns for folders named like 'year=2026'.
        file = parquet.ParquetFile(path, read_dictionary=_texts(path))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as a Parquet file ({first_line(error)[:150]}); replace it") from error
    schema = file.schema_arrow

    def read(names: Sequence[str], exact: Sequence[str]) -> dict[str, Any]:
        del exact  # types are those of the file
        bound.check(_declared(file.metadata, names), f"the columns of {path} that are wanted")
        try:
            table = file.read(list(names), use_pandas_metadata=False)
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path} cannot be read as a Parquet file ({first_line(error)[:150]}); replace it"
            ) from error
        return {name: table[name] for name in names}

    return TableFile(path, tuple(schema.names), _index(schema), read)


def _declared(metadata: Any, names: Sequence[str]) -> int:
    """Return the bytes that columns take: as they are stored but uncompressed, and as numbers of double precision."""
    n_bytes, wanted = 0, set(names)
    for group in range(metadata.num_row_groups):
        of_group = metadata.row_group(group)
        for at in range(of_group.num_columns):
            column = of_group.column(at)
            # A column of lists has a path of several parts.
            if {column.path_in_schema, column.path_in_schema.partition(".")[0]} & wanted or any(
                column.path_in_schema.startswith(f"{name}.") for name in wanted if "." in name
            ):
                # A page of few bytes can stand for any number of equal values.
                n_bytes += column.total_uncompressed_size + 8 * max(column.num_values, of_group.num_rows)
    return n_bytes


def _texts(path: Path) -> list[str]:
    """Return the columns of texts, which are read as they are stored, each text once however often it occurs."""
    import pyarrow as pa
    from pyarrow import parquet

    def is_text(kind: Any) -> bool:
        return any(each(kind) for each in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))

    return [field.name for field in parquet.read_schema(path) if is_text(field.type)]


def index_columns(path: Path) -> tuple[str, ...]:
    """Return the columns of a Parquet file that are the index of a pandas table; none if it cannot be read."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return _index(parquet.read_schema(path))
    except (pa.ArrowException, OSError):
        return ()  # said when it is loaded


def _index(schema: Any) -> tuple[str, ...]:
    try:
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        # An index that is a plain range is described and not stored.
        stored = [each for each in about.get("index_columns", ()) if isinstance(each, str)]
    except (ValueError, AttributeError, TypeError):
        stored = []
    return tuple(name for name in schema.names if name in stored or UNNAMED.fullmatch(name))
