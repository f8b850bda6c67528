"""What plots have in common: style, figure, frame, bars, heat maps and colours. Loads matplotlib when it is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
"""Colours of series, in order, and of thresholds, the fourth. People with colour blindness tell them apart: Okabe & Ito
2008, but for their yellow, too light on white."""
MUTED = "0.82"
"""Colour of what is not highlighted."""
UNDEFINED = "0.7"
"""Colour of cells without a value."""
FRAME = "0.35"
"""Colour of frames and ticks, which data stand out from."""
DPI = 150
LABEL = 0.075
"""Height of a label beside a line, as a share of the axes."""
LONGEST = 4
"""Labels of an axis that may be the one which takes most room."""
SHORT = 3
"""Characters up to which the labels of an axis are not slanted."""
READABLE = 14
"""Rows and columns up to which numbers are written into a heat map."""


@contextmanager
def plot_style() -> Iterator[None]:
    """Draw in the style of vaehub while the context lasts, whatever the style of the user's own pictures is."""
    from matplotlib import rc_context
    from matplotlib.style import context

    with (
        context("default"),
        rc_context(
            {
                "axes.prop_cycle": f"cycler('color', {list(PALETTE)})",
                "font.size": 9,
                "axes.titlesize": 10,
                "axes.labelsize": 9,
                "xtick.labelsize": 8,
                "ytick.labelsize": 8,
                "axes.edgecolor": FRAME,
                "xtick.color": FRAME,
                "ytick.color": FRAME,
                "xtick.labelcolor": "black",
                "ytick.labelcolor": "black",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.axisbelow": True,
                # Titles stand above the frame, and nothing is ever there to make way for.
                "axes.titley": 1.0,
                "legend.frameon": False,
                "legend.fontsize": 8,
                "lines.linewidth": 1.6,
                "lines.markersize": 4,
            }
        ),
    ):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, whose layout leaves room for labels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def frame(axes: Axes, *sides: str) -> None:
    """Draw some sides of the frame and no others: ``left`` and ``bottom``, if none are named."""
    axes.spines[:].set_visible(False)
    for side in sides or ("left", "bottom"):
        axes.spines[side].set(visible=True, color=FRAME, linewidth=0.8)
    axes.tick_params(color=FRAME, labelsize=8)


def label_columns(axes: Axes, labels: Sequence[str], *, size: float = 8) -> None:
    """Write labels below 0, 1, 2 …, upright if many, slanted if long; the labels themselves mark the places."""
    axes.tick_params(axis="x", bottom=False)
    axes.set_xticks(range(len(labels)), list(labels), fontsize=size)
    texts = axes.get_xticklabels()
    if any(len(label) > SHORT for label in labels):
        for text in texts:
            text.set(rotation=40, ha="right", rotation_mode="anchor")
    elif len(labels) > READABLE:
        axes.tick_params(axis="x", labelrotation=90)
    _make_room_for_longest(texts)


def _make_room_for_longest(texts: Sequence[Text]) -> None:
    """Have the layout of a figure look at the labels that stand out alone: it measures each of them many times."""
    ends = {0, 1, len(texts) - 1}
    longest = sorted(range(len(texts)), key=lambda at: -len(texts[at].get_text()))[:LONGEST]
    for at, text in enumerate(texts):
        text.set_in_layout(at in ends or at in longest)


def label_lines(axes: Axes, lines: Sequence[Line2D]) -> None:
    """Write the label of each line beside its end, in its colour, and each clear of the others."""
    axes.get_ylim()  # limits are found when they are first asked for, and heights depend on them
    into = axes.transData + axes.transAxes.inverted()
    ends = [(float(into.transform(np.asarray(line.get_xydata())[-1:])[0, 1]), line) for line in lines]
    lowest = -np.inf
    for height, line in sorted(ends, key=lambda each: each[0]):
        lowest = max(height, lowest + LABEL)
        axes.annotate(
            str(line.get_label()),
            (1, lowest),
            xycoords="axes fraction",
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=line.get_color(),
        )


def bars(
    axes: Axes,
    values: NDArray[Any],
    labels: Sequence[str],
    *,
    colours: str | Sequence[str] = PALETTE[0],
    label: str | None = None,
    shift: float = 0.0,
    width: float = 0.8,
) -> None:
    """Draw a bar for each value, labelled below; where a value is undefined or infinite, a word says so.

    Args:
        axes: Where to draw.
        values: Heights, shape ``(n,)``.
        labels: What each bar is.
        colours: One colour, or one for each bar.
        label: Name of the series in a legend, if several series stand side by side.
        shift: How far from its place each bar is, if several series stand side by side.
        width: Of a bar; bars of one series are 1 apart.
    """
    places = np.arange(len(values)) + shift
    axes.bar(places, np.where(np.isfinite(values), values, 0), width=width, color=colours, label=label)
    for place, value in zip(places, values, strict=True):
        if not np.isfinite(value):
            word = "undefined" if np.isnan(value) else "∞" if value > 0 else "-∞"
            axes.text(place, 0, word, ha="center", va="bottom", rotation=90)
    frame(axes)
    label_columns(axes, labels)


def heat_map(
    axes: Axes,
    matrix: NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    low: float | None = None,
    high: float | None = None,
    colours: str = "viridis",
    decimals: int = 2,
    readable: int = READABLE,
    aspect: Literal["equal", "auto"] = "equal",
) -> AxesImage:
    """Draw a matrix with its labels, and its numbers if there are few; cells without a value are grey.

    Args:
        axes: Where to draw.
        matrix: Shape ``(n_rows, n_columns)``.
        rows: Labels, from the top down.
        columns: Labels, from left to right.
        low: Value of the first colour; 0, or the least if that is below.
        high: Value of the last colour; the greatest, if not given.
        colours: Name of a colour map.
        decimals: Of the numbers in the cells.
        readable: Rows and columns up to which numbers are written; 0 writes none.
        aspect: ``equal`` for square cells, ``auto`` to fill the axes.

    Returns:
        The image, for ``figure.colorbar(image, ax=axes, label=…)``.
    """
    finite = matrix[np.isfinite(matrix)]
    low = min(0.0, float(finite.min(initial=0.0))) if low is None else low
    high = float(finite.max(initial=low)) if high is None else high
    # A matrix of zeros has a scale as well.
    high = high if high > low else low + 1
    axes.set_facecolor(UNDEFINED)
    shown = axes.imshow(matrix, cmap=colours, vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
    axes.tick_params(axis="y", left=False)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=8 if len(rows) <= 40 else 5)
    _make_room_for_longest(axes.get_yticklabels())
    label_columns(axes, columns, size=8 if len(columns) <= 40 else 5)
    axes.spines[:].set_visible(False)
    if max(matrix.shape) <= readable:
        _numbers(axes, shown, matrix, decimals)
    return shown


def _numbers(axes: Axes, shown: AxesImage, matrix: NDArray[Any], decimals: int) -> None:
    """Write each value into its cell, white on dark colours and black on light ones."""
    for (row, column), value in np.ndenumerate(matrix):
        red, green, blue, alpha = shown.to_rgba(value)
        # Luma of ITU-R BT.601; a cell without a value is transparent, on light grey.
        is_dark = alpha > 0 and 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = "-" if np.isnan(value) else f"{value:z.{decimals}f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if is_dark else "black")
