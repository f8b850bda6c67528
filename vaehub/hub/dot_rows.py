"""Numbers as dots, a row for each: its name to the left, what it is to the right, whiskers and a reference value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaehub.analysis.plots import FRAME, MUTED, PALETTE, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3
"""Panels side by side."""
MOST_ROWS = 40
"""Rows of a panel."""
MOST_PANELS = 12
LETTER = 0.065
"""Inches of a letter of a label."""
ROW, ROUND = 0.25, 0.75
"""Inches of a row, and of all that is above and below the rows of a panel."""


@dataclass(frozen=True)
class Row:
    """One number, or the mean of several.

    Attributes:
        label: Name of the number.
        value: The number; where it is undefined or infinite, its text says so.
        low: Lower end of its whisker, if it has one.
        high: Upper end of it.
        dots: Numbers whose mean it is, if it is one.
        reference: Value that it is to be compared with, with both ends of its whisker, which may be the value itself.
        text: What stands to the right.
        colour: Of all but the reference.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    dots: Sequence[float] = ()
    reference: tuple[float, float, float] | None = None
    text: str = ""
    colour: str = PALETTE[0]


@dataclass(frozen=True)
class RowPanel:
    """Rows on one scale.

    Attributes:
        title: Above them.
        unit: Of the numbers, if they have one.
        rows: From the top down.
    """

    title: str
    unit: str
    rows: Sequence[Row]

    @property
    def is_finite(self) -> bool:
        """Whether there is something to draw."""
        return any(math.isfinite(each) for row in self.rows for each in (row.value, *row.dots))


def in_words(value: float) -> str:
    """Return a number as it stands beside its dot."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"


def rows_figure(panels: Sequence[RowPanel], title: str) -> Figure:
    """Return panels side by side; all have rows of the same names, which stand at the left ones alone.

    Args:
        panels: At least one; beyond the most that a picture can show, they and their rows are left out, and it says so.
        title: Of the picture.
    """
    n_panels, n_rows = len(panels), max(len(each.rows) for each in panels)
    shown = [RowPanel(each.title, each.unit, each.rows[:MOST_ROWS]) for each in panels[:MOST_PANELS]]
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    longest = max(len(row.label) for row in shown[0].rows)
    texts = max(len(row.text) for each in shown for row in each.rows)
    height = down * (ROUND + ROW * min(n_rows, MOST_ROWS)) + 0.4
    figure = new_figure(max(4.5, across * (2.2 + LETTER * texts) + LETTER * min(longest, 60)), height)
    every = figure.subplots(down, across, squeeze=False).flatten()
    for axes in every[len(shown) :]:
        axes.remove()
    for at, (axes, panel) in enumerate(zip(every, shown, strict=False)):
        draw_rows(axes, panel, are_named=at % across == 0)
        axes.set_title(panel.title)
    left = [f"the first {MOST_PANELS} of {n_panels} values"] * (n_panels > MOST_PANELS)
    left += [f"the first {MOST_ROWS} of {n_rows} rows"] * (n_rows > MOST_ROWS)
    figure.suptitle(", ".join([title, *left]), fontsize=10)
    return figure


def draw_rows(axes: Axes, panel: RowPanel, *, are_named: bool = True, from_zero: bool = False) -> None:
    """Draw rows from the top down.

    Args:
        axes: Where to draw.
        panel: What to draw.
        are_named: Whether names stand to the left.
        from_zero: Whether each dot has a line from zero.
    """
    from matplotlib.ticker import MaxNLocator

    rows = panel.rows
    for colour in dict.fromkeys(row.colour for row in rows):
        _draw_marks(axes, [(at, row) for at, row in enumerate(rows) if row.colour == colour], colour, from_zero)
    _draw_references(axes, rows)
    for at, row in enumerate(rows):
        if row.text:
            axes.text(1.02, at, row.text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.label for row in rows] if are_named else [""] * len(rows), fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y", color="0.93", linewidth=0.6)
    axes.set_xlabel(panel.unit)
    frame(axes, "bottom")
    axes.tick_params(axis="y", length=0)
    if not panel.is_finite:
        axes.set_xticks([])


def _draw_marks(axes: Axes, rows: Sequence[tuple[int, Row]], colour: str, from_zero: bool) -> None:
    seen = [(at, row) for at, row in rows if math.isfinite(row.value)]
    places, values = [at for at, _ in seen], [row.value for _, row in seen]
    if from_zero and seen:
        axes.hlines(places, 0, values, color=colour, linewidth=2)
        axes.axvline(0, color=FRAME, linewidth=0.8)
    ends = [(at, row.low, row.high) for at, row in seen]
    whiskers = [
        (float(at), low, high)
        for at, low, high in ends
        if low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    ]
    if whiskers:
        axes.hlines(*np.array(whiskers, float).T, color="black" if from_zero else colour, linewidth=1)
    spread = [(dot, at) for at, row in rows for dot in row.dots if math.isfinite(dot)]
    if spread:
        axes.plot(*np.array(spread, float).T, "o", color=colour, alpha=0.5, markeredgewidth=0)
    for is_mean, mark in ((True, {"marker": "|", "markersize": 12, "markeredgewidth": 2}), (False, {"marker": "o"})):
        own = [at for at, (_, row) in enumerate(seen) if bool(row.dots) == is_mean]
        axes.plot([values[at] for at in own], [places[at] for at in own], linestyle="", color=colour, **mark)


def _draw_references(axes: Axes, rows: Sequence[Row]) -> None:
    found = [(at, *row.reference) for at, row in enumerate(rows) if row.reference is not None]
    if not found:
        return
    places, values, lows, highs = np.transpose(found)
    axes.hlines(places, lows, highs, color=MUTED, linewidth=6, zorder=0)
    axes.plot(values, places, "D", color="black", markersize=8, fillstyle="none", markeredgewidth=1)
