"""Parquet files: their columns, and which of them are a table's index."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaehub import DataError
from vaehub.plugins.datasets.own.table import TableFile

UNNAMED = re.compile(r"__index_level_\d+__")
"""How pandas names the column of an index without a name."""


def parquet_file(path: Path) -> TableFile:
    """Return the columns of a Parquet file, which are read when they are asked for.

    Raises:
        DataError: If it is not a Parquet file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Not parquet.read_table, which would add columns for folders named like 'year=2026'.
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as a Parquet file ({error}); replace it") from error
    schema = file.schema_arrow

    def read(names: Sequence[str], exact: Sequence[str]) -> dict[str, Any]:
        del exact  # types are those of the file
        try:
            table = file.read(list(names), use_pandas_metadata=False)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} cannot be read as a Parquet file ({error}); replace it") from error
        return {name: table[name] for name in names}

    return TableFile(path, tuple(schema.names), _index(schema), read)


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
