"""The answer to a query as columns, and what a metric of rows refuses of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from vaehub.core.errors import VaehubError
from vaehub.core.metric import Columns


def holds_numbers(column: NDArray[Any]) -> bool:
    """Return whether a column is of numbers, or of true and false."""
    return column.dtype.kind in "biuf"


def check_columns(metric: str, rows: Columns, asked: Sequence[str], numbers: Sequence[str] = ()) -> None:
    """Refuse a query that has not the columns that a metric is of, or no rows.

    Args:
        metric: Its name.
        rows: Answer to the query.
        asked: Names of the columns, each for one thing.
        numbers: Those of them that have to hold numbers.

    Raises:
        VaehubError: If a column is missing, is asked for twice, or is no number where it has to be, or if there are no
            rows.
    """
    if missing := [name for name in asked if name not in rows]:
        raise VaehubError(
            f"metric {metric!r} was asked for the column {_quoted(missing)}, and the query has {_quoted(list(rows))}"
        )
    if twice := [name for name in dict.fromkeys(asked) if asked.count(name) > 1]:
        raise VaehubError(f"metric {metric!r} takes each column for one thing, and was given {_quoted(twice)} twice")
    if text := [name for name in numbers if not holds_numbers(rows[name])]:
        found = [name for name in rows if holds_numbers(rows[name])]
        raise VaehubError(
            f"metric {metric!r} is of numbers, which are not in {_quoted(text)}; they are in "
            f"{_quoted(found) or 'no column'}"
        )
    if not all(map(len, rows.values())):
        raise VaehubError(f"metric {metric!r} is of rows, and the query has none; has everything in it been measured?")


def check_distinct(metric: str, rows: Columns, keys: Sequence[str], remedy: str) -> None:
    """Refuse a query that has two rows with the same keys, where an average would hide that they describe two things.

    Args:
        metric: Its name.
        rows: Answer to the query.
        keys: Names of the columns that tell rows apart.
        remedy: What the user may do.

    Raises:
        VaehubError: If two rows have the same keys; names the first.
    """
    seen = set()
    for cell in zip(*(table_keys(rows[name]) for name in keys), strict=True):
        if cell in seen:
            where = ", ".join(f"{name} {key!r}" for name, key in zip(keys, cell, strict=True))
            raise VaehubError(
                f"metric {metric!r} takes one value for each cell, and the query has two for {where}; {remedy}"
            )
        seen.add(cell)


def table_keys(column: NDArray[Any]) -> list[str | int | float]:
    """Return a column of a query's rows as keys of a :class:`~vaehub.Table`.

    Whole numbers are whole again, which a column has as floating point where one is missing; what is missing, or no
    key, is ``"none"``.
    """
    return [_restored(value) for value in column.tolist()]


def _restored(value: object) -> str | int | float:
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    return value if isinstance(value, str | int) else "none"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
