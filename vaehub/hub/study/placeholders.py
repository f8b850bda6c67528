"""Placeholders for what a rehearsed query leaves open, of the types that its columns have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST = 3
"""Rows that are made up where a rehearsal has fewer, which a statistic of rows needs at least."""

TEXTS = 9
"""Texts that are made up, then they come again: as many as layers or subsets, say, and fewer than rows."""


def with_placeholders(answer: pa.Table) -> pa.Table:
    """Return the answer to a rehearsed query with values where it has none.

    What a metric has as keys of its tables, and the losses of a training, are not known before they are made: a query
    for them gives columns of nulls, or no rows. Their types are known, and so whether a column holds numbers or text.

    Args:
        answer: Of a rehearsal.

    Returns:
        The same, if no column is empty; else with 1, 2, 3 … in empty columns, or text, and three rows at least.
    """
    if len(answer) and not any(column.null_count == len(column) for column in answer.columns):
        return answer
    import pyarrow as pa

    n = max(FEWEST, len(answer))
    # A row is repeated where there are too few, so that what is known of it stays.
    known = answer.take([min(row, len(answer) - 1) for row in range(n)]) if len(answer) else None
    columns = []
    for place, field in enumerate(answer.schema):
        is_empty = known is None or known.column(place).null_count == n
        columns.append(_placeholders(field.type, n) if is_empty or known is None else known.column(place))
    return pa.table(dict(zip(answer.column_names, columns, strict=True)))


def _placeholders(kind: pa.DataType, n: int) -> pa.Array:
    import pyarrow as pa
    from pyarrow import types

    if types.is_string(kind) or types.is_large_string(kind):
        return pa.array([f"{row % TEXTS + 1} made up" for row in range(n)])
    if types.is_boolean(kind):
        return pa.array([row % 2 == 0 for row in range(n)])
    if types.is_null(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return pa.array([float(row + 1) for row in range(n)])
    return pa.nulls(n, kind)
