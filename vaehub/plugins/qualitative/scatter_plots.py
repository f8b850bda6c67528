"""Scatter plots and histograms by class, from stored arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub.analysis import PALETTE, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[Any]

DISTINCT = 20
"""Classes that have distinct colours; more are shown on a continuous scale."""
BINS = 50


def scatter(
    coordinates: Values, labels: Values | None, *, legend: str, names: Sequence[str], class_names: Sequence[str] = ()
) -> Figure:
    """Return points in the plane.

    Args:
        coordinates: Shape ``(n, 2)``.
        labels: Class of each, shape ``(n,)``; ``None`` where unknown.
        legend: What classes are called.
        names: What the two coordinates are called.
        class_names: What each class is called; its number, if none are given.
    """
    figure = new_figure(6.4, 5.2)
    axes = figure.subplots()
    classes = [] if labels is None else np.unique(labels).tolist()
    is_continuous = len(classes) > DISTINCT
    colours: Any = PALETTE[0] if labels is None else labels
    if labels is not None and not is_continuous:
        colours = np.array(_colours(len(classes)))[np.searchsorted(classes, labels)]
        _legend(axes, classes, legend, class_names)
    size = float(np.clip(18_000 / len(coordinates), 1.5, 16))
    # All at once and in the order of the data, or the last class would cover the others.
    drawn = axes.scatter(
        coordinates[:, 0], coordinates[:, 1], s=size, c=colours, alpha=0.75, linewidths=0, rasterized=True
    )
    if is_continuous:
        figure.colorbar(drawn, ax=axes, label=legend)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.ticklabel_format(scilimits=(-2, 4))
    axes.set_title(f"posterior means of {len(coordinates)} observations", fontsize=10)
    # Both axes have the same unit and length, so that distances can be compared.
    least, greatest = coordinates.min(axis=0), coordinates.max(axis=0)
    reach = 0.53 * float((greatest - least).max()) or 1.0
    middle = (least + greatest) / 2
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.set_aspect("equal")
    frame(axes)
    return figure


def histograms(values: Values, labels: Values | None, *, legend: str, class_names: Sequence[str] = ()) -> Figure:
    """Return a histogram of one latent's means, stacked by class where classes have distinct colours.

    Args:
        values: Shape ``(n,)``.
        labels: Class of each, shape ``(n,)``; ``None`` where unknown.
        legend: What classes are called.
        class_names: What each class is called; its number, if none are given.
    """
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    classes = [] if labels is None else np.unique(labels).tolist()
    if labels is not None and len(classes) <= DISTINCT:
        groups = [values[labels == each] for each in classes]
        axes.hist(groups, bins=BINS, stacked=True, color=_colours(len(classes)))
        _legend(axes, classes, legend, class_names)
    else:
        axes.hist(values, bins=BINS, color=PALETTE[0])
    axes.set_xlabel("mean of latent 0")
    axes.set_ylabel("observations")
    axes.set_title(f"posterior means of {len(values)} observations", fontsize=10)
    frame(axes)
    return figure


def _colours(n: int) -> list[Any]:  # whatever matplotlib calls a colour
    from matplotlib import colormaps

    return [colormaps["tab10" if n <= 10 else "tab20"](at) for at in range(n)]


def _legend(axes: Axes, classes: Sequence[int], title: str, names: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    shown = [names[each] if names else str(each) for each in classes]
    handles = [Patch(color=colour, label=name) for name, colour in zip(shown, _colours(len(shown)), strict=True)]
    axes.legend(handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
