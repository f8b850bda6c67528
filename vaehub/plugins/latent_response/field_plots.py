"""Plots of planes of latents, from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub import Result
from vaehub.analysis import PALETTE, new_figure

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
GAPS = 16
"""Gaps that an image is wide."""
MAP = 2.8
"""Inches that a map of the field is wide."""


def field_maps(result: Result, latents: tuple[int, int]) -> Figure:
    """Return density, length, divergence, curvature and decoded points: Leeb et al. 2021, Figures 2, 4 and 25 to 30."""
    is_drawn = can_be_drawn(result.arrays["decoded"], n_before=2)
    left, right, bottom, top = _bounds(result)
    height = 2 * (MAP * np.clip((top - bottom) / (right - left), 0.3, 2) + 0.9)
    figure = new_figure(14.4 if is_drawn else 10.0, height)
    widths = [1.45, 1] if is_drawn else [1]
    parts = figure.subfigures(1, len(widths), width_ratios=widths, squeeze=False)[0]
    every = parts[0].subplots(2, 2).flatten()
    length = np.linalg.norm(result.arrays["field"], axis=-1)
    draw_plane(every[0], result, result.arrays["density"], "density of the aggregate posterior", cmap="Blues", vmin=0)
    draw_plane(every[1], result, length, "length of the response's move", cmap="viridis", norm=low_scale())
    _arrows(every[1], result)
    for axes, name in ((every[2], "divergence"), (every[3], "mean_curvature")):
        draw_diverging(axes, result, name)
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


def draw_plane(
    axes: Axes, result: Result, values: Values, title: str, **how: Any
) -> AxesImage:  # matplotlib's own options
    """Draw values over the grid, the first latent across, with their scale beside."""
    axes.set_facecolor("0.6")  # where a value is undefined
    image = axes.imshow(values.T, origin="lower", extent=_bounds(result), aspect="equal", **how)
    axes.set_title(title, fontsize=10)
    assert axes.figure is not None, "made by subplots"
    axes.figure.colorbar(image, ax=axes, shrink=0.85)
    return image


def low_scale() -> PowerNorm:
    """Return a scale that resolves small values, such as lengths at the data."""
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
    # To scale, so that arrows end where responses are, as in Figures 27 and 30; they must not move the limits.
    limits = axes.axis()
    axes.quiver(
        *np.meshgrid(first, second),
        field[..., 0].T,
        field[..., 1].T,
        color="white",
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.003,
        pivot="tail",
    )
    axes.axis(limits)


def draw_diverging(axes: Axes, result: Result, name: str) -> None:
    """Draw a map whose negative and positive values have scales of their own, as in the paper."""
    from matplotlib.colors import TwoSlopeNorm

    values = result.arrays[name]
    known = values[np.isfinite(values)]
    low = -_reach(-known[known < 0])
    high = _reach(known[known > 0])
    draw_plane(axes, result, values, name.replace("_", " "), cmap="RdBu_r", norm=TwoSlopeNorm(0, low, high))


def _reach(values: Values) -> float:
    """Return the value below which most are; a trifle, if there are none."""
    return max(float(np.quantile(values, CLIPPED)), 1e-12) if len(values) else 1e-12


def can_be_drawn(observations: Values, n_before: int) -> bool:
    """Return whether observations are images or points of two or three dimensions."""
    shape = observations.shape[n_before:]
    return len(shape) == 3 or shape in ((2,), (3,))


def _decoded(figure: SubFigure, result: Result, latents: tuple[int, int]) -> None:
    """Draw decoded points over the same grid: images in their places, points as a net."""
    found = result.arrays["decoded"]
    if found.ndim == 5:
        axes = figure.subplots()
        # The first latent goes across, the second up.
        rows = [np.concatenate(list(colours_of(found[:, row])), axis=1) for row in reversed(range(found.shape[1]))]
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


def colours_of(images: Values) -> Values:
    """Return images ``(n, c, h, w)`` as colours, with a white gap; the mean of channels, if there are not three."""
    grey = images if images.shape[1] in (1, 3) else images.mean(axis=1, keepdims=True)
    shape = (len(images), 3, *images.shape[2:])
    colours = np.broadcast_to(grey, shape).transpose(0, 2, 3, 1).clip(0, 1)
    gap = -(-colours.shape[2] // GAPS)
    return np.pad(colours, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=1)
