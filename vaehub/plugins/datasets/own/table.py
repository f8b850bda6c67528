"""Tables in files: named columns, and the numbers in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError

LOOKED_AT = 10_000
"""Values among which one that is no number is looked for."""


@dataclass(frozen=True)
class TableFile:
    """Columns of a table in a file.

    Attributes:
        path: The file.
        names: Names of its columns, in order.
        index: Those that count or name the rows, such as the index of a pandas table.
        read: Returns columns, as chunked Arrow arrays by name; of those named in its second argument, no number is
            rounded.
        notes: What was found out about the file that its user should know.
    """

    path: Path
    names: tuple[str, ...]
    index: tuple[str, ...]
    read: Callable[[Sequence[str], Sequence[str]], Mapping[str, Any]]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [name for name, n in Counter(self.names).items() if n > 1]
        if twice:
            raise DataError(f"{self.path} has more than one column {twice[0]!r}; rename one")


class Numbers(NamedTuple):
    """Numbers in a column: ``values`` of shape ``(n, width)``, and ``missing`` of shape ``(n,)``."""

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]


def numbers(column: Any, name: str, path: Path) -> Numbers:
    """Return the numbers in an Arrow column; one of lists of one length, or of tensors, counts as several.

    Raises:
        DataError: If it holds something else, or lists of different lengths.
    """
    import pyarrow as pa

    values, n, title = _whole(column), len(column), f"{path}, column {name!r},"
    missing = np.zeros(n, bool)
    while _is_list(values.type):
        values, missing = _flat(values, missing, title)
    if pa.types.is_dictionary(values.type):
        # Texts are no numbers, and nobody knows what they would take each for itself.
        values = values.dictionary if _is_text(values.dictionary.type) else values.dictionary_decode()
    if pa.types.is_decimal(values.type) or pa.types.is_null(values.type):
        values = values.cast(pa.float64())
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"{title} holds {kind}, not numbers{_example(values)}; drop it, or use it as labels or factor: "
            f"'-s data.drop={name}', '-s data.labels={name}' or '-s data.factors={name}'"
        )
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())  # of a column with missing ones, numpy would make objects
    found: NDArray[np.float64] = values.to_numpy(zero_copy_only=False).astype(np.float64).reshape(n, -1)
    return Numbers(found, missing | np.isnan(found).any(axis=1))


def plain_values(column: Any) -> NDArray[Any]:
    """Return the values of an Arrow column for labels or a factor; missing ones are ``None`` or NaN."""
    import pyarrow as pa

    values, missing = _whole(column), np.zeros(len(column), bool)
    while _is_list(values.type) and _lengths(values) == [1]:
        values, missing = _flat(values, missing, "")
    if pa.types.is_dictionary(values.type):
        if _is_text(values.dictionary.type):
            # Each text once: many rows may share a long one.
            words = np.array([*values.dictionary.to_pylist(), None], object)
            shared: NDArray[Any] = words[values.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)]
            return shared
        values = values.dictionary_decode()
    if values.null_count and pa.types.is_integer(values.type):
        # As floating-point numbers, large ones would be rounded, and different labels be one.
        return np.array(values.to_pylist(), object)
    found: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return found


def _example(values: Any) -> str:
    """Return the first value that is no number, for a message."""
    for each in values.drop_null()[:LOOKED_AT].to_pylist() if _is_text(values.type) else ():
        try:
            float(each)
        except ValueError:
            return f", such as {each[:40]!r}"
    return ""


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _whole(column: Any) -> Any:
    import pyarrow as pa

    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of several chunks that do not fit into one
        values = pa.concat_arrays(values.chunks)
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _lengths(values: Any) -> list[int]:
    """Return the lengths that lists have."""
    from pyarrow import compute

    found: list[int] = compute.list_value_length(values).drop_null().unique().to_pylist()
    return found


def _flat(values: Any, missing: NDArray[np.bool_], title: str) -> tuple[Any, NDArray[np.bool_]]:
    """Return the items of lists, with rows whose list is missing marked and filled."""
    import pyarrow as pa

    absent = values.is_null().to_numpy(zero_copy_only=False)
    lengths = _lengths(values)
    if len(lengths) > 1:
        raise DataError(f"{title} holds lists of different lengths; make them one length")
    if not absent.any():
        return values.flatten(), missing
    width = lengths[0] if lengths else 1
    # A missing list has no items, and would shift all that follow: it is given missing ones.
    rows = np.arange(len(values) * width) // width
    places = np.full(len(values) * width, -1, np.int64)
    places[~absent[rows]] = np.arange((~absent).sum() * width)
    taken = values.drop_null().flatten().take(pa.array(places, mask=places < 0))
    by_row = absent.reshape(len(missing), -1).any(axis=1)
    return taken, missing | by_row
