"""Plots of intrinsic dimension, from stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result, Vector
from vaehub.analysis import PALETTE, UNDEFINED, frame, label_columns, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 0.99
"""Quantile of local estimates at which their histogram ends: a few are far greater, and would hide the others."""
N_BINS = 40
POINTS = 2000
"""Points that are drawn, evenly by rank: more cannot be distinguished."""
SIZE = (5.0, 3.6)


def by_neighbours(result: Result) -> Figure:
    """Return estimates by number of neighbours beside a histogram of the local estimates."""
    figure = new_figure(9.2, 3.6)
    left, right = figure.subplots(1, 2)
    estimates = result.vectors["mle"]
    deviation = result.vectors.get("mle_deviation")
    numbers = _numbers(estimates)
    left.errorbar(numbers, estimates.values, None if deviation is None else deviation.values, marker="o", capsize=3)
    _logarithmic(left, numbers)
    _retained(left, result, f"retained at k = {result.scalars['retained_k']:.0f}")
    left.set(xlabel="neighbours k", ylabel="intrinsic dimension")
    local = result.arrays["local"]
    finite = local[np.isfinite(local)]
    if len(finite):
        right.hist(finite, bins=N_BINS, range=(0, float(np.quantile(finite, SHOWN)) or 1.0), color="0.6")
    _retained(right, result, "", upright=True)
    right.set(xlabel=f"of each observation, k = {result.scalars['retained_k']:.0f}", ylabel="observations")
    frame(right)
    return figure


def by_scale(result: Result) -> Figure:
    """Return estimates with their standard errors by mean distance, with the orders beside the points."""
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    estimates, distance = result.vectors["gride"], result.vectors["gride_distance"].values
    axes.errorbar(distance, estimates.values, result.vectors["gride_error"].values, marker="o", capsize=3)
    for place, value, label in zip(distance, estimates.values, estimates.labels or (), strict=True):
        if np.isfinite(value):
            axes.annotate(label, (place, value), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=7)
    _retained(axes, result, f"retained at order {result.scalars['retained_order']:.0f}")
    axes.set(xlabel="scale: mean distance to the farther neighbour", ylabel="intrinsic dimension")
    _from_zero(axes)
    return figure


def fitted_line(result: Result) -> Figure:
    """Return a point for each ratio, those left out in grey, and the fitted line."""
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    x, y = result.arrays["log_ratio"], result.arrays["minus_log_survival"]
    kept, n = len(y), len(x)
    some = np.unique(np.linspace(0, kept - 1, min(POINTS, kept)).astype(int))
    axes.plot(x[some], y[some], ".", markersize=3, color=PALETTE[0], label=f"{kept} ratios kept")
    # Ranks of the others continue from the last kept; the very last may have F = 1.
    rest = np.arange(kept, n - 1)
    if len(rest):
        heights = -np.log1p(-(rest + 1) / n)
        axes.plot(x[rest], heights, ".", markersize=3, color=UNDEFINED, label=f"{n - kept} left out")
    dimension = result.scalars["dimension"]
    if np.isfinite(dimension):
        end = x[kept - 1]
        axes.plot([0, end], [0, dimension * end], color="black", linewidth=1, label=f"slope {dimension:.2f}")
    axes.set(xlabel="log of the ratio of distances", ylabel="-log(1 - F)")
    frame(axes)
    axes.legend(fontsize=8, frameon=False)
    return figure


def by_layer(result: Result) -> Figure:
    """Return both estimates by layer; a collapsed layer is marked."""
    names = result.vectors["mle"].labels or ()
    figure = new_figure(max(4.0, 0.7 * len(names) + 1.6), 3.6)
    axes = figure.subplots()
    places = np.arange(len(names))
    for name, label, marker in (("mle", "maximum likelihood", "o"), ("twonn", "TwoNN", "s")):
        axes.plot(places, result.vectors[name].values, marker=marker, label=label)
    for place in places[result.vectors["is_collapsed"].values > 0]:
        axes.text(place, 0, "collapsed", rotation=90, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    label_columns(axes, names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylabel("intrinsic dimension")
    _from_zero(axes)
    axes.legend(fontsize=8, frameon=False)
    return figure


def _numbers(vector: Vector) -> list[int]:
    return [int(label) for label in vector.labels or ()]


def _logarithmic(axes: Axes, numbers: list[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    _from_zero(axes)


def _from_zero(axes: Axes) -> None:
    axes.set_ylim(0, max(1.0, 1.15 * axes.get_ylim()[1]))
    frame(axes)


def _retained(axes: Axes, result: Result, label: str, *, upright: bool = False) -> None:
    """Draw a line at the retained estimate."""
    dimension = result.scalars["dimension"]
    if not np.isfinite(dimension):
        return
    line = axes.axvline if upright else axes.axhline
    line(dimension, color=PALETTE[3], linewidth=1, linestyle="--", label=label)
    if label:
        axes.legend([axes.lines[-1]], [f"{dimension:.2f}, {label}"], fontsize=8, frameon=False, loc="lower right")
