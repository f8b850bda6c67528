"""Matrices out of rows of a table, those of one group over the same rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub import Table

Key = str | int | float


@dataclass(frozen=True)
class Panel:
    """A matrix with names.

    Attributes:
        group: What it can be compared within; empty where all are one group.
        name: What tells it from others of the group.
        rows: Names of rows, the same in all panels of the group.
        columns: Names of columns, likewise.
        matrix: Shape ``(len(rows), len(columns))``; ``nan`` where the table has no finite value.
    """

    group: Key
    name: Key
    rows: tuple[Key, ...]
    columns: tuple[Key, ...]
    matrix: NDArray[np.float64]


def panels_of(table: Table) -> list[Panel]:
    """Return the matrices of a table, group by group, everything in the order in which the table first has it.

    Args:
        table: With the keys ``panel``, ``row``, ``column`` and perhaps ``group``, and the values ``value``.
    """
    panel, row, column = (table.keys[name] for name in ("panel", "row", "column"))
    groups: dict[Key, list[tuple[Any, ...]]] = {}
    for group, *cell in zip(
        table.keys.get("group", [""] * len(row)), panel, row, column, table.columns["value"], strict=True
    ):
        groups.setdefault(group, []).append(tuple(cell))
    return [panel for group, cells in groups.items() for panel in _of_group(group, cells)]


def _of_group(group: Key, cells: list[tuple[Any, ...]]) -> list[Panel]:
    names, rows, columns = (_places(key) for key in list(zip(*cells, strict=True))[:3])
    matrices = np.full((len(names), len(rows), len(columns)), np.nan)
    for name, row, column, value in cells:
        if np.isfinite(value):
            matrices[names[name], rows[row], columns[column]] = value
    return [Panel(group, name, tuple(rows), tuple(columns), matrices[at]) for name, at in names.items()]


def _places(keys: tuple[Key, ...]) -> dict[Key, int]:
    return {key: at for at, key in enumerate(dict.fromkeys(keys))}
