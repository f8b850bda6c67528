"""The picture of a measurement whose metric draws none of its own: all that is stored of it, on as many scales."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaehub.analysis import PALETTE, bars, frame, heat_map, new_figure
from vaehub.hub.dot_rows import MOST_PANELS, MOST_ROWS, ROUND, ROW, Row, RowPanel, draw_rows, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vaehub.core.result import Result, Signatures, Table, Vector

APART = 30.0
"""Times that a number is greater than another which could not be seen beside it."""
MOST_BARS = 60
"""Values of a vector up to which each has a bar, named; more are a line."""
CELL = 0.45
"""Inches of a cell of a heat map, whose number is readable."""
SIZES, FLAGS = "n_", ("is_", "has_")
"""Beginnings of the names of counts, and of what is true or not: said in words, as they are on no scale."""


@dataclass(frozen=True)
class Panel:
    """One scale.

    Attributes:
        height: In inches.
        draw: Draws it.
        is_finite: Whether any of its values is, and there is something to see.
    """

    height: float
    draw: Callable[[Axes], None]
    is_finite: bool


def value_plot(result: Result, units: Mapping[str, str], title: str) -> Figure | None:
    """Return single numbers as dots, with a panel for each unit and order of magnitude; vectors as bars; and maps.

    What is named ``NAME_se``, ``NAME_sd``, or ``NAME_low`` and ``NAME_high``, is a whisker of ``NAME``. Counts and
    flags are words beside the title, unless there is nothing else. Signatures are a map of their inner products, which
    are similarities. Tables of one key or two are drawn where there is no number, vector or signature.

    Args:
        result: What is stored.
        units: Unit of each value that has one, by name.
        title: Of the picture.

    Returns:
        The picture; nothing if there is no finite value, or its tables have more keys.
    """
    aside = {name: value for name, value in result.scalars.items() if name.startswith((SIZES, *FLAGS))}
    numbers = {name: value for name, value in result.scalars.items() if name not in aside}
    panels = [
        *_numbers(numbers, units),
        *(_vector(name, each, units.get(name, "")) for name, each in result.vectors.items()),
        *(_signatures(name, each) for name, each in result.signatures.items()),
    ]
    if not _is_seen(panels):
        panels += [panel for each in result.tables.items() for panel in _table(*each, units)]
    if not _is_seen(panels):
        panels, aside = [*panels, *_numbers(aside, units)], {}
    return _stacked(panels, title, aside) if _is_seen(panels) else None


def _is_seen(panels: Sequence[Panel]) -> bool:
    return any(each.is_finite for each in panels)


def _stacked(panels: Sequence[Panel], title: str, aside: Mapping[str, float]) -> Figure:
    shown = panels[:MOST_PANELS]
    heights = [each.height for each in shown]
    figure = new_figure(6.4, sum(heights) + 0.4)
    every = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(every, shown, strict=True):
        panel.draw(axes)
    words = [f"{name} {in_words(value)}" for name, value in aside.items() if not name.startswith(FLAGS)]
    words += [f"{name} {'yes' if value else 'no'}" for name, value in aside.items() if name.startswith(FLAGS)]
    words += [f"the first {MOST_PANELS} of {len(panels)} panels"] * (len(panels) > MOST_PANELS)
    figure.suptitle("\n".join(filter(None, [title, ", ".join(words)])), fontsize=10)
    return figure


def _numbers(numbers: Mapping[str, float], units: Mapping[str, str]) -> Iterator[Panel]:
    by_unit: dict[str, list[Row]] = {}
    for row in _rows(numbers):
        by_unit.setdefault(units.get(row.label, ""), []).append(row)
    for unit, rows in by_unit.items():
        for scale in _scales(rows):
            for start in range(0, len(scale), MOST_ROWS):
                panel = RowPanel("", unit, scale[start : start + MOST_ROWS])
                draw = partial(draw_rows, panel=panel, from_zero=True)
                yield Panel(ROUND - 0.25 + ROW * len(panel.rows), draw, panel.is_finite)


def _rows(numbers: Mapping[str, float]) -> Iterator[Row]:
    """Yield a row for each number, with its whisker; what is a whisker has no row."""
    for name, value in numbers.items():
        if _base(name, numbers) is not None:
            continue
        ends, text = (math.nan, math.nan), in_words(value)
        for kind in ("sd", "se"):
            spread = numbers.get(f"{name}_{kind}", math.nan)
            if math.isfinite(spread):
                ends, text = (value - spread, value + spread), f"{text} ± {spread:.2g} ({kind})"
        if (low := f"{name}_low") in numbers and (high := f"{name}_high") in numbers:
            ends = numbers[low], numbers[high]
            text += f", {in_words(numbers[low])} to {in_words(numbers[high])}"
        yield Row(name, value, *ends, text=text)


def _base(name: str, numbers: Mapping[str, float]) -> str | None:
    """Return the name of the number whose whisker this is; ``None`` if it is a number itself."""
    found = re.fullmatch(r"(.+)_(se|sd|low|high)", name)
    if found is None or found[1] not in numbers:
        return None
    others = {"low": "high", "high": "low"}
    is_whole = found[2] not in others or f"{found[1]}_{others[found[2]]}" in numbers
    return found[1] if is_whole else None


def _scales(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows in groups whose numbers can be seen beside each other, the greatest first."""
    greatest: list[float] = []
    for size in sorted((abs(row.value) for row in rows if math.isfinite(row.value)), reverse=True):
        if not greatest or 0 < size < greatest[-1] / APART:
            greatest.append(size)
    found: list[list[Row]] = [[] for _ in greatest or [0.0]]
    for row in rows:
        size = abs(row.value)
        at = next((at for at, bound in enumerate(greatest) if size >= bound / APART), len(greatest) - 1)
        found[at if math.isfinite(size) else 0].append(row)
    return found


def _vector(name: str, vector: Vector, unit: str) -> Panel:
    labels = vector.labels or [str(at) for at in range(len(vector.values))]
    return _along(name, vector.values, labels, across=vector.index, unit=unit)


def _along(name: str, values: NDArray[np.float64], labels: Sequence[str], *, across: str, unit: str) -> Panel:
    def draw(axes: Axes) -> None:
        if len(values) <= MOST_BARS:
            bars(axes, values, labels)
        else:
            axes.plot(values, color=PALETTE[0])
            frame(axes)
        axes.set_title(name)
        axes.set(xlabel=across, ylabel=unit)

    return Panel(2.6, draw, _has_finite(values))


def _signatures(name: str, signatures: Signatures) -> Panel:
    vectors = signatures.vectors.astype(float)
    return _map(
        f"{name}: inner products", vectors @ vectors.T, signatures.layers, signatures.layers, ("layer", "layer")
    )


def _table(name: str, table: Table, units: Mapping[str, str]) -> Iterator[Panel]:
    """Yield a panel for each column of a table whose rows one key tells apart, or two."""
    keys = {key: tuple(map(str, column)) for key, column in table.keys.items() if len(set(column)) > 1}
    rows = list(zip(*keys.values(), strict=True)) if keys else [()]
    if len(keys) > 2 or len(set(rows)) < len(next(iter(table.keys.values()))):
        return
    if not keys:
        yield from _numbers({column: float(values[0]) for column, values in table.columns.items()}, units)
        return
    for column, values in table.columns.items():
        if len(keys) == 1:
            [[key, labels]] = keys.items()
            yield _along(f"{name}: {column}", values, labels, across=key, unit=units.get(column, ""))
        else:
            first, second = (list(dict.fromkeys(labels)) for labels in keys.values())
            places = [(first.index(one), second.index(other)) for one, other in rows]
            matrix = np.full((len(first), len(second)), np.nan)
            matrix[tuple(np.transpose(places))] = values
            yield _map(f"{name}: {column}", matrix, first, second, tuple(keys))


def _map(
    title: str, matrix: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], names: Sequence[str]
) -> Panel:
    def draw(axes: Axes) -> None:
        image = heat_map(axes, matrix, rows, columns)
        axes.set_title(title)
        axes.set(ylabel=names[0], xlabel=names[1])
        axes.figure.colorbar(image, ax=axes)

    return Panel(min(8.0, CELL * len(rows) + 1.4), draw, _has_finite(matrix))


def _has_finite(values: NDArray[np.floating]) -> bool:
    return bool(np.isfinite(values).any())
