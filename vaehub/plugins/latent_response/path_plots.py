"""Plots of paths, from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result
from vaehub.analysis import PALETTE, frame, new_figure
from vaehub.plugins.latent_response.field_plots import can_be_drawn, colours_of, draw_diverging, draw_plane, low_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

ROUTES = {"path": PALETTE[2], "line": PALETTE[3]}
"""Green and red, as in the paper's Figure 3, in tones that people with colour blindness tell apart."""
NAMES = {"path": "along the path", "line": "along the straight line"}
PANEL = 4.6
"""Inches that a panel is wide."""


def paths(result: Result) -> Figure:
    """Return where both routes go, over density and divergence, and what they decode to: Figures 3 and 5."""
    frames, is_on_grid = result.arrays["path_frames"], "density" in result.arrays
    is_strip = frames.ndim == 4
    n_above = 2 * is_on_grid + 1 + (not is_strip and can_be_drawn(frames, n_before=1))
    width = PANEL * max(2, n_above)
    heights = [3.9, 2 * (min(1.2, width / len(frames)) + 0.3)] if is_strip else [3.9]
    figure = new_figure(width, sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    if is_on_grid:
        above = parts[0].add_subplot(1, n_above, 1)
        draw_plane(
            above,
            result,
            result.arrays["density"],
            "density of the aggregate posterior",
            cmap="Greys",
            norm=low_scale(),
        )
        below = parts[0].add_subplot(1, n_above, 2)
        draw_diverging(below, result, "divergence")
        for axes in (above, below):
            _routes(axes, result)
    _profiles(parts[0].add_subplot(1, n_above, 1 + 2 * is_on_grid), result)
    if is_strip:
        _strips(parts[1], result)
    elif can_be_drawn(frames, n_before=1):
        _decoded(parts[0], (1, n_above, n_above), result)
    return figure


def _routes(axes: Axes, result: Result) -> None:
    """Draw both routes and their ends over a map of the plane."""
    pair = result.arrays["plane"].tolist()
    for name, colour in ROUTES.items():
        axes.plot(*result.arrays[name][:, pair].T, color=colour, linewidth=1.6, label=NAMES[name])
    axes.plot(*result.arrays["path"][[0, -1]][:, pair].T, "o", color=PALETTE[4], markeredgecolor="black", markersize=6)
    axes.set_xlabel(f"latent {pair[0]}")
    axes.set_ylabel(f"latent {pair[1]}")


def _profiles(axes: Axes, result: Result) -> None:
    """Draw how far the response moves along each route."""
    for name, colour in ROUTES.items():
        moves = result.arrays[f"{name}_moves"]
        axes.plot(np.linspace(0, 1, len(moves)), moves, color=colour, label=NAMES[name])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share of the route")
    axes.set_ylabel("length of the response's move")
    frame(axes)
    axes.legend(fontsize=8, frameon=False)


def _strips(figure: SubFigure, result: Result) -> None:
    for axes, name in zip(figure.subplots(2, 1), ROUTES, strict=True):
        images = colours_of(result.arrays[f"{name}_frames"])
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set_title(NAMES[name], fontsize=9, color=ROUTES[name])
        axes.axis("off")


def _decoded(figure: SubFigure, place: tuple[int, int, int], result: Result) -> None:
    """Draw what both routes decode to in the space of observations, observations and reconstructions behind them."""
    n_dims = result.arrays["path_frames"].shape[1]
    axes = figure.add_subplot(*place, projection="3d" if n_dims == 3 else None)
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=7)
    for name, colour in {"observations": "black", "reconstructions": PALETTE[0]}.items():
        if name in result.arrays:
            points = result.arrays[name].T
            axes.plot(*points, ".", color=colour, markersize=2, alpha=0.35, markeredgewidth=0, label=name)
    for name, colour in ROUTES.items():
        axes.plot(*result.arrays[f"{name}_frames"].T, color=colour, marker="o", markersize=3, zorder=5)
    if "observations" in result.arrays:
        axes.legend(fontsize=7, frameon=False, markerscale=4, loc="upper left")
    axes.set_title("what the routes decode to", fontsize=10)
