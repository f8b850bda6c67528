"""Plots of planes of latents and of paths over them, from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub import Result
from vaehub.analysis import PALETTE, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage

Values = NDArray[Any]

ARROWS = 20
"""Arrows along each axis."""
CLIPPED = 0.98
"""Share of the values that a scale reaches to: a few are far greater, and all else would be pale."""
ROUTES = {"path": PALETTE[3], "line": "black"}
NAMES = {"path": "along the path", "line": "along the straight line"}
GAPS = 16
"""Gaps that an image is wide."""
MAP = 2.8
"""Inches that a map of the field is wide."""


def field_maps(result: Result, latents: tuple[int, int]) -> Figure:
    """Return density, length, divergence, curvature and decoded points: Leeb et al. 2021, Figures 2, 4 and 25 to 30."""
    is_drawn = _can_be_drawn(result.arrays["decoded"], n_before=2)
    left, right, bottom, top = _bounds(result)
    height = 2 * (MAP * np.clip((top - bottom) / (right - left), 0.3, 2) + 0.9)
    figure = new_figure(14.4 if is_drawn else 10.0, height)
    widths = [1.45, 1] if is_drawn else [1]
    parts = figure.subfigures(1, len(widths), width_ratios=widths, squeeze=False)[0]
    every = parts[0].subplots(2, 2).flatten()
    length = np.linalg.norm(result.arrays["field"], axis=-1)
    _plane(every[0], result, result.arrays["density"], "density of the aggregate posterior", cmap="Blues", vmin=0)
    _plane(every[1], result, length, "length of the response's move", cmap="viridis", norm=_low())
    _arrows(every[1], result)
    for axes, name in ((every[2], "divergence"), (every[3], "mean_curvature")):
        _diverging(axes, result, name)
    for axes in every:
        axes.set_xlabel(f"latent {latents[0]}")
        axes.set_ylabel(f"latent {latents[1]}")
    if is_drawn:
        _decoded(parts[1], result, latents)
    return figure


def _bounds(result: Result) -> tuple[float, float, float, float]:
    """Return the outer edges of the cells, whose middles are the grid points."""
    found = []
    for name in ("first", "second"):
        values = result.arrays[name]
        half = (values[1] - values[0]) / 2
        found += [float(values[0] - half), float(values[-1] + half)]
    return found[0], found[1], found[2], found[3]


def _plane(axes: Axes, result: Result, values: Values, title: str, **how: Any) -> AxesImage:  # matplotlib's own options
    axes.set_facecolor("0.6")  # where a value is undefined
    image = axes.imshow(values.T, origin="lower", extent=_bounds(result), aspect="equal", **how)
    axes.set_title(title, fontsize=10)
    assert axes.figure is not None, "made by subplots"
    axes.figure.colorbar(image, ax=axes, shrink=0.85)
    return image


def _low() -> PowerNorm:
    """Return a scale that resolves small lengths, which are those at the data."""
    from matplotlib.colors import PowerNorm

    return PowerNorm(0.5, vmin=0)


def _arrows(axes: Axes, result: Result) -> None:
    every = [
        np.linspace(0, len(result.arrays[name]) - 1, min(ARROWS, len(result.arrays[name]))).round().astype(int)
        for name in ("first", "second")
    ]
    at = np.ix_(*every)
    field = result.arrays["field"][at]
    first, second = result.arrays["first"][every[0]], result.arrays["second"][every[1]]
    axes.quiver(first, second, field[..., 0].T, field[..., 1].T, color="white", angles="xy", width=0.003, pivot="tail")


def _diverging(axes: Axes, result: Result, name: str) -> None:
    """Draw a map whose negative and positive values have scales of their own, as in the paper."""
    from matplotlib.colors import TwoSlopeNorm

    values = result.arrays[name]
    known = values[np.isfinite(values)]
    low = -_reach(-known[known < 0])
    high = _reach(known[known > 0])
    _plane(axes, result, values, name.replace("_", " "), cmap="RdBu_r", norm=TwoSlopeNorm(0, low, high))


def _reach(values: Values) -> float:
    """Return the value below which most are; a trifle, if there are none."""
    return max(float(np.quantile(values, CLIPPED)), 1e-12) if len(values) else 1e-12


def _can_be_drawn(observations: Values, n_before: int) -> bool:
    """Return whether observations are images or points of two or three dimensions."""
    shape = observations.shape[n_before:]
    return len(shape) == 3 or shape in ((2,), (3,))


def _decoded(figure: SubFigure, result: Result, latents: tuple[int, int]) -> None:
    """Draw decoded points over the same grid: images in their places, points as a net."""
    found = result.arrays["decoded"]
    if found.ndim == 5:
        axes = figure.subplots()
        # The first latent goes across, the second up.
        rows = [np.concatenate(list(_colours(found[:, row])), axis=1) for row in reversed(range(found.shape[1]))]
        sheet, bounds = np.concatenate(rows, axis=0), _bounds(result)
        # Images keep their shape; where the plane is no square, its axes give way.
        stretch = (bounds[1] - bounds[0]) / sheet.shape[1] / ((bounds[3] - bounds[2]) / sheet.shape[0])
        axes.imshow(sheet, extent=bounds, aspect=stretch)
        axes.set_xlabel(f"latent {latents[0]}")
        axes.set_ylabel(f"latent {latents[1]}")
    elif found.shape[-1] == 3:
        axes = figure.add_subplot(projection="3d")
        axes.plot_wireframe(*np.moveaxis(found, -1, 0), color=PALETTE[0], linewidth=0.7)
    else:
        axes = figure.subplots()
        axes.plot(*np.moveaxis(found, -1, 0), color=PALETTE[0], linewidth=0.7)
        axes.plot(*np.moveaxis(found, -1, 0).transpose(0, 2, 1), color=PALETTE[0], linewidth=0.7)
    axes.set_title("what the grid decodes to", fontsize=10)


def _colours(images: Values) -> Values:
    """Return images ``(n, c, h, w)`` as colours, with a white gap; the mean of channels, if there are not three."""
    grey = images if images.shape[1] in (1, 3) else images.mean(axis=1, keepdims=True)
    shape = (len(images), 3, *images.shape[2:])
    colours = np.broadcast_to(grey, shape).transpose(0, 2, 3, 1).clip(0, 1)
    gap = -(-colours.shape[2] // GAPS)
    return np.pad(colours, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=1)


def paths(result: Result) -> Figure:
    """Return where both routes go, how far the response moves along them, and what they decode to: Figure 3."""
    is_on_grid = "moves" in result.arrays
    frames = result.arrays["path_frames"]
    is_strip = frames.ndim == 4
    n_above = 1 + is_on_grid + (not is_strip and _can_be_drawn(frames, n_before=1))
    width = 4.6 * max(2, n_above)
    heights = [3.9, 2 * (min(1.2, width / len(frames)) + 0.3)] if is_strip else [3.9]
    figure = new_figure(width, sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    if is_on_grid:
        _routes(parts[0].add_subplot(1, n_above, 1), result)
    _profiles(parts[0].add_subplot(1, n_above, 1 + is_on_grid), result)
    if is_strip:
        _strips(parts[1], result)
    elif n_above == 2 + is_on_grid:
        _lines(parts[0], (1, n_above, n_above), result)
    return figure


def _routes(axes: Axes, result: Result) -> None:
    """Draw both routes over how far the response moves."""
    _plane(axes, result, result.arrays["moves"], "length of the response's move", cmap="viridis", norm=_low())
    for name, colour in ROUTES.items():
        axes.plot(*result.arrays[name].T, color=colour, linewidth=1.6, label=NAMES[name])
    axes.plot(*result.arrays["path"][[0, -1]].T, "o", color="white", markeredgecolor="black", markersize=6)
    axes.set_xlabel("latent 0")
    axes.set_ylabel("latent 1")


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
        images = _colours(result.arrays[f"{name}_frames"])
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set_title(NAMES[name], fontsize=9, color=ROUTES[name])
        axes.axis("off")


def _lines(figure: SubFigure, place: tuple[int, int, int], result: Result) -> None:
    """Draw what both routes decode to, as lines in the space of observations."""
    n_dims = result.arrays["path_frames"].shape[1]
    axes = figure.add_subplot(*place, projection="3d" if n_dims == 3 else None)
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=7)
    for name, colour in ROUTES.items():
        axes.plot(*result.arrays[f"{name}_frames"].T, color=colour, marker="o", markersize=3)
    axes.set_title("what the routes decode to", fontsize=10)
