"""Plots of observations in rows and columns, from stored arrays."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub.analysis import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Observations = NDArray[Any]
Pixels = NDArray[np.uint8]

TILE = 64
"""Pixels that a side of a small image is brought to, by whole factors, so that gaps are as wide for any size."""
GAP, WIDE_GAP = 3, 24
"""Pixels between images, and between groups of them."""
FRAME = 190
"""Grey of the frame of each image, on which a white one ends visibly."""
STRIP = 4
"""How many times as long as high a vector is shown."""
ROWS = 24
"""Rows of a panel at most; more are shown in several panels side by side."""
LARGEST_TILE, WIDEST, NARROWEST = 0.7, 11.0, 4.2
"""Inches of one image, of all of them side by side, and of the smallest plot, which has a title."""
LINE, CHARACTER = 0.22, 0.07
"""Inches that a line of text is high, and a character of a label wide."""


@dataclass(frozen=True)
class Lines:
    """What stands beside the rows.

    Attributes:
        labels: One for each row.
        group: Rows that belong together, with wide gaps between groups; 0 for all.
        axis: What the labels count.
    """

    labels: Sequence[str] = ()
    group: int = 0
    axis: str = ""


@dataclass(frozen=True)
class Columns:
    """What stands above the columns.

    Attributes:
        labels: One for each column.
        wide_before: Columns with a wide gap before them.
        axis: What the labels count.
    """

    labels: Sequence[str] = ()
    wide_before: Set[int] = field(default_factory=frozenset)
    axis: str = ""


def tiled(
    rows: Sequence[Observations], *, lines: Lines | None = None, columns: Columns | None = None, title: str = ""
) -> Figure:
    """Return a plot of observations in rows.

    Images of one channel are grey and those of three coloured; of another number, the mean of channels is shown. A
    vector is a strip of colours, dark for the least value of all that are shown and bright for the greatest.

    Args:
        rows: Observations of each row, shape ``(k, c, h, w)`` or ``(k, p)``; some may have fewer than the first.
        lines: Labels and groups of rows.
        columns: Labels and gaps of columns.
        title: What it shows.
    """
    lines, columns = lines or Lines(), columns or Columns()
    made = _pixels(rows)
    size = _per_panel(len(rows), lines.group)
    panels = [
        _Panel(made[start : start + size], lines.labels[start : start + size], lines.group, columns)
        for start in range(0, len(rows), size)
    ]
    height, width = panels[0].canvas.shape[:2]
    scale = min(LARGEST_TILE / max(made[0].shape[1:3]), WIDEST / (width * len(panels)))
    beside = LINE + CHARACTER * max(map(len, lines.labels), default=0)
    above = LINE * (1.5 + bool(columns.labels) + bool(columns.axis))
    inches = ((width * scale + beside) * len(panels) + LINE * bool(lines.axis), height * scale + above)
    figure = new_figure(max(NARROWEST, inches[0]), inches[1])
    figure.set_layout_engine("constrained", w_pad=0.08)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel.draw(axes, made[0].shape[2] * scale)
    figure.suptitle(title, fontsize=10)
    if lines.axis:
        figure.supylabel(lines.axis, fontsize=9)
    return figure


class _Panel:
    """Some rows, laid out on one canvas: hundreds of axes would take matplotlib minutes."""

    def __init__(self, rows: Sequence[Pixels], labels: Sequence[str], group: int, columns: Columns) -> None:
        self.labels, self.columns = labels, columns
        self.height, self.width = rows[0].shape[1:3]
        groups = {at for at in range(1, len(rows)) if group and at % group == 0}
        self.tops = _places(len(rows), self.height, groups)
        self.lefts = _places(max(map(len, rows)), self.width, columns.wide_before)
        # Transparent where there is no image.
        self.canvas = np.zeros((self.tops[-1] + self.height, self.lefts[-1] + self.width, 4), dtype=np.uint8)
        for top, row in zip(self.tops, rows, strict=True):
            for left, image in zip(self.lefts, row, strict=False):
                self.canvas[top : top + self.height, left : left + self.width] = image

    def draw(self, axes: Axes, inches: float) -> None:
        """Draw the canvas with its labels; ``inches`` is the width of one image."""
        axes.imshow(self.canvas)
        axes.set_anchor("N")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=8, top=False, labeltop=True, bottom=False, labelbottom=False)
        characters = max(map(len, self.columns.labels), default=0)
        axes.tick_params(axis="x", labelsize=min(8.0, 72 * inches / (0.65 * characters + 0.6)))
        names = self.columns.labels
        axes.set_xticks([left + self.width / 2 for left in self.lefts][: len(names)], names)
        axes.set_yticks([top + self.height / 2 for top in self.tops][: len(self.labels)], self.labels)
        axes.xaxis.set_label_position("top")
        axes.set_xlabel(self.columns.axis, fontsize=9)


def _per_panel(n_rows: int, group: int) -> int:
    """Return how many rows each panel has, so that all have as good as the same and no group is torn apart."""
    n_panels = -(-n_rows // ROWS)
    unit = max(1, group)
    return -(-n_rows // (n_panels * unit)) * unit


def _places(n: int, size: int, wide_before: Set[int]) -> list[int]:
    """Return where each of some tiles begins."""
    gaps = [0, *(WIDE_GAP if at in wide_before else GAP for at in range(1, n))]
    return [place + at * size for at, place in enumerate(accumulate(gaps))]


def _pixels(rows: Sequence[Observations]) -> list[Pixels]:
    """Return each row as opaque, framed pixels, shape ``(k, h, w, 4)``."""
    if rows[0].ndim == 2:
        return list(map(_framed, _strips(rows)))
    factor = max(1, TILE // max(rows[0].shape[2:]))
    return [_framed(_opaque(row).repeat(factor, axis=1).repeat(factor, axis=2)) for row in rows]


def _opaque(images: Observations) -> Pixels:
    grey = images if images.shape[1] in (1, 3) else images.mean(axis=1, keepdims=True)
    colours = np.broadcast_to(grey, (len(images), 3, *images.shape[2:]))
    alpha = np.ones_like(colours[:, :1])
    return _as_bytes(np.concatenate([colours, alpha], axis=1).transpose(0, 2, 3, 1))


def _strips(rows: Sequence[Observations]) -> list[Pixels]:
    from matplotlib import colormaps

    least, greatest = min(float(row.min()) for row in rows), max(float(row.max()) for row in rows)
    span = (greatest - least) or 1.0
    factor = max(1, TILE // rows[0].shape[1])
    made = [_as_bytes(colormaps["viridis"]((row - least) / span)).repeat(factor, axis=1) for row in rows]
    return [row[:, None].repeat(max(1, row.shape[1] // STRIP), axis=1) for row in made]


def _as_bytes(values: Observations) -> Pixels:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _framed(images: Pixels) -> Pixels:
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=FRAME)
    framed[..., 3] = 255
    return framed
