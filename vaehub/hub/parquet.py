"""Parquet files in which every reader finds every value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 4 << 20
"""Bytes of rows that make a row group, about."""


def write_parquet(file: IO[bytes], schema: pa.Schema, parts: Iterable[pa.Table]) -> int:
    """Write rows, of which a row group is in memory at a time, and return how many they are.

    Args:
        file: Where.
        schema: Names and types of the columns.
        parts: The rows, in order.
    """
    from pyarrow import parquet

    # Least and greatest value of a row group leave out NaN, and DuckDB takes them for bounds of all values: it finds no
    # NaN in a column that has them noted.
    noted = [field.name for field in schema if not _has_floats(field.type)]
    n = 0
    with parquet.ParquetWriter(file, schema, write_statistics=noted) as writer:
        for group in _groups(parts):
            writer.write_table(group, row_group_size=len(group))
            n += len(group)
    return n


def _has_floats(kind: pa.DataType) -> bool:
    from pyarrow import types

    nested = [kind.field(at).type for at in range(kind.num_fields)]
    return types.is_floating(kind) or any(map(_has_floats, nested))


def _groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield rows in tables of about ``GROUP`` bytes, since Parquet is read and compressed a group at a time."""
    import pyarrow as pa

    kept: list[pa.Table] = []
    for part in parts:
        kept.append(part)
        if sum(each.nbytes for each in kept) >= GROUP:
            yield pa.concat_tables(kept)
            kept = []
    if kept:
        yield pa.concat_tables(kept)
