"""Loss curves as lines of a vector graphic: so many are drawn at once that each must cost next to nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vaehub.report.content import number
from vaehub.report.records import Losses

WIDTH, HEIGHT = 120.0, 60.0
"""Of a panel's axes, in the units of the graphic."""


@dataclass(frozen=True)
class Panel:
    """One term of the loss.

    Attributes:
        name: Of the term.
        lines: Splits, with the corners of their lines as ``x,y x,y``.
        low: Least value, at the bottom.
        high: Greatest value, at the top.
        first: First epoch.
        last: Last epoch.
    """

    name: str
    lines: Sequence[tuple[str, str]]
    low: str
    high: str
    first: int
    last: int


def panels(losses: Losses) -> list[Panel]:
    """Return a panel for each term that has a finite value."""
    found = []
    for name, splits in losses.items():
        points = [(epoch, value) for each in splits.values() for epoch, value in each if math.isfinite(value)]
        if not points:
            continue
        epochs, values = zip(*points, strict=True)
        first, last, low, high = min(epochs), max(epochs), min(values), max(values)
        lines = [(split, _corners(each, first, last, low, high)) for split, each in splits.items()]
        found.append(Panel(name, lines, number(low, 3), number(high, 3), first, last))
    return found


def description(losses: Losses) -> str:
    """Return the curves in words, for those who do not see them."""
    said = []
    for name, splits in losses.items():
        for split, points in splits.items():
            said.append(f"{name} of {split} from {number(points[0][1])} to {number(points[-1][1])}")
    return "; ".join(said)


def _corners(points: Sequence[tuple[int, float]], first: int, last: int, low: float, high: float) -> str:
    wide, tall = max(1, last - first), high - low or 1.0
    return " ".join(
        f"{WIDTH * (epoch - first) / wide:.0f},{HEIGHT * (high - value) / tall:.1f}"
        for epoch, value in points
        if math.isfinite(value)
    )
