"""Data frames and Arrow tables as vectors."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub.adapters.found_data import Found, Wanted, chosen
from vaehub.core.errors import DataError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

LABELS = ("label", "labels")
"""Columns that are labels by their name, as in files of tables."""
INDEX = re.compile(r"__index_level_\d+__")
UNNAMED = "Unnamed: 0"
"""What pandas calls the first column of a CSV file if it has no name, as an index that was written has none."""
SHOWN = 5
"""Columns that a message names."""


def is_table(data: object) -> bool:
    """Return whether something is a data frame or a table: it offers Arrow's stream or the interchange protocol."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__dataframe__") or _is_pandas(data)


def read_table(data: Any, title: str, wanted: Wanted) -> Found:
    """Return the columns of numbers as vectors, and the columns that are named as labels and factors.

    Raises:
        DataError: If a column is neither, holds missing values, or there is none of a name.
    """
    if len(getattr(data, "shape", (0, 0))) == 1:
        raise DataError(f"{title} is a single column; a frame of it, to_frame(), is observations of one value")
    table = _arrow(data, title)
    names = table.column_names
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{title} has two columns {twice[0]!r}; rename one")
    chosen(wanted.names, names, title)
    labels = wanted.labels
    if labels is None:
        labels = next((name for name in LABELS if name in names and name not in wanted.factors), None)
    aside = {*wanted.factors, *([] if labels is None else [labels])}
    columns = [name for name in names if name not in aside]
    if index := [name for name in _index(table) if name in columns]:
        log.warning(
            "%s has the column %r, an index that pandas wrote into a file; it is left out, and under another name it "
            "is kept",
            title,
            index[0],
        )
        columns = [name for name in columns if name not in index]
    if texts := [name for name in columns if not _is_numeric(table.schema.field(name).type)]:
        listed = ", ".join(f"{name!r} ({table.schema.field(name).type})" for name in texts[:SHOWN])
        more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
        raise DataError(
            f"{title} has columns that are not numbers: {listed}{more}; drop them, or use one as labels: "
            f"as_dataset(frame, labels={texts[0]!r}), or as factors: factors=[{texts[0]!r}]"
        )
    if not columns or not table.num_rows:
        raise DataError(
            f"{title} has {table.num_rows} rows and {len(columns)} columns of numbers; observations need some"
        )
    return Found(
        np.concatenate([_values(table[name], f"{title}, column {name!r},") for name in columns], axis=1),
        None if labels is None or wanted.no_labels else table[labels].to_pylist(),
        {name: table[name].to_pylist() for name in wanted.factors},
    )


def _index(table: pa.Table) -> list[str]:
    """Return the columns that are the index of a table of pandas, after it has been to a file and back."""
    try:
        about = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
        stored = [each for each in about.get("index_columns", ()) if isinstance(each, str)]
    except (ValueError, AttributeError, TypeError):
        stored = []
    names = table.column_names
    return [name for name in names if name in stored or INDEX.fullmatch(name) or name == names[0] == UNNAMED]


def columns_of(data: Any, title: str) -> dict[str, list[Any]]:
    """Return all columns of a table as Python values.

    Raises:
        DataError: If it cannot be read.
    """
    table = _arrow(data, title)
    return {name: table[at].to_pylist() for at, name in enumerate(table.column_names)}


def _arrow(data: Any, title: str) -> pa.Table:
    import pyarrow as pa

    try:
        if isinstance(data, pa.Table):
            return data
        if _is_pandas(data):
            # The index names rows; it is no measurement.
            return pa.Table.from_pandas(data.rename(columns=str), preserve_index=False)
        if hasattr(data, "__arrow_c_stream__"):
            return pa.table(data)
        from pyarrow.interchange import from_dataframe

        return from_dataframe(data)
    # A stranger's export runs here.
    except Exception as error:
        raise DataError(f"{title} cannot be read as a table of columns: {first_line(error)}") from error


def _is_pandas(data: object) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns")


def _is_numeric(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_numeric(kind.value_type)
    return any(each(kind) for each in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal))


def _values(column: pa.ChunkedArray, title: str) -> NDArray[np.float32]:
    from pyarrow import types

    values = column.combine_chunks()
    if values.null_count:
        raise DataError(f"{title} has {values.null_count} missing values; fill or drop them")
    width = 1
    if types.is_nested(values.type):
        lengths = {len(values.flatten()) // len(values)}
        if not types.is_fixed_size_list(values.type):
            lengths = set(values.value_lengths().to_pylist())
        if len(lengths) > 1:
            raise DataError(f"{title} holds lists of different lengths; make them one length")
        values, [width] = values.flatten(), lengths
        if values.null_count:
            raise DataError(f"{title} has {values.null_count} missing values in its lists; fill or drop them")
    if types.is_decimal(values.type):
        import pyarrow as pa

        values = values.cast(pa.float64())
    found: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return found.astype(np.float32).reshape(-1, width)
