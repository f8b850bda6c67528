"""The picture of latents and factors, drawn from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = (0.75, 0.3)
"""Inches that a number takes, in width and height."""
BAR = 6
"""Height of the scale over its width, for each inch that the picture is high."""
DARK = 0.55
"""Share of the greatest value below which the ground is dark in the colours used, and numbers are white."""
READABLE = 40
"""Latents up to which numbers are written into the cells."""


def heat_map(
    result: Result,
    table: str,
    column: str,
    title: str,
    label: str,
    *,
    greatest: float | None = None,
    decimals: int = 2,
) -> Figure:
    """Return a row for each latent and a column for each factor; undefined values are grey.

    Args:
        result: What a metric found.
        table: Which of its tables has a row for each latent and factor.
        column: Which values of it are drawn.
        title: The score.
        label: What the values are.
        greatest: Value of the brightest colour; the greatest there is, if not given.
        decimals: Of the numbers in the cells.
    """
    from matplotlib.figure import Figure

    keys = result.tables[table].keys
    latents, factors = (list(dict.fromkeys(map(str, keys[key]))) for key in ("latent", "factor"))
    values = result.tables[table].columns[column].reshape(len(latents), len(factors))
    # A map of zeros has a scale as well.
    brightest = greatest or float(np.nanmax(values, initial=0)) or 1.0
    size = (max(3.6, CELL[0] * len(factors) + 2.2), min(12, max(2.6, CELL[1] * len(latents) + 1.7)))
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.7")
    image = axes.imshow(values, cmap="viridis", vmin=0, vmax=brightest, aspect="auto")
    axes.set_xticks(
        range(len(factors)),
        [factor.replace("_", " ") for factor in factors],
        rotation=35,
        ha="right",
        rotation_mode="anchor",
        fontsize=8,
    )
    axes.set_yticks(range(len(latents)), latents, fontsize=8 if len(latents) <= READABLE else 5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(latents) <= READABLE:
        for (row, at), value in np.ndenumerate(values):
            colour = "white" if value < DARK * brightest else "black"
            text = "-" if np.isnan(value) else f"{value:z.{decimals}f}"
            axes.text(at, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set(ylabel="latent")
    axes.set_title(title, fontsize=10)
    # As wide beside many latents as beside few.
    figure.colorbar(image, ax=axes, label=label, aspect=BAR * size[1])
    return figure
