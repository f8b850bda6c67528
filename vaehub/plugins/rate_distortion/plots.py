"""The rate-distortion plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaehub.analysis import frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = 0.15
"""Space around the points, as a share of what they span."""


def plane(
    rate: Sequence[float] | NDArray[np.float64], distortion: Sequence[float] | NDArray[np.float64]
) -> tuple[Figure, Axes]:
    """Return empty axes that hold some points, with the line of the best bound among them.

    On a line of slope -1 the sum of rate and distortion, and so the bound, is the same: further down is better.
    """
    figure = new_figure(6.0, 4.6)
    axes = figure.subplots()
    right = max(rate)
    width = (1 + MARGIN) * right or 1.0
    # At least as high as wide, so that a single point has space around it.
    height = max((1 + 2 * MARGIN) * (max(distortion) - min(distortion)), width)
    middle = 0.5 * (max(distortion) + min(distortion))
    axes.set_xlim(-0.02 * width, width)
    axes.set_ylim(middle - height / 2, middle + height / 2)
    best = min(r + d for r, d in zip(rate, distortion, strict=True))
    label = f"bound {-best:.4g}"
    axes.axline((0, best), slope=-1, color="grey", linewidth=0.8, linestyle="--", zorder=0, label=label)
    axes.set_xlabel("rate, in nats per observation")
    axes.set_ylabel("distortion, in nats per observation")
    frame(axes)
    return figure, axes
