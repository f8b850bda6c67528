"""The plot of latents and factors, drawn from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result
from vaehub.analysis import heat_map, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = (0.75, 0.3)
"""Inches that a number takes, in width and height."""
BAR = 6
"""Height of the scale over its width, for each inch that the plot is high."""
READABLE = 40
"""Latents up to which numbers are written into the cells."""


def latents_by_factors(
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
        table: Name of the table with a row for each latent and factor.
        column: Name of the values that are drawn.
        title: The score.
        label: What the values are.
        greatest: Value of the brightest colour; the greatest there is, if not given.
        decimals: Of the numbers in the cells.
    """
    keys = result.tables[table].keys
    latents, factors = (list(dict.fromkeys(map(str, keys[key]))) for key in ("latent", "factor"))
    values = result.tables[table].columns[column].reshape(len(latents), len(factors))
    height = min(12, max(2.6, CELL[1] * len(latents) + 1.7))
    figure = new_figure(max(3.6, CELL[0] * len(factors) + 2.2), height)
    axes = figure.subplots()
    image = heat_map(
        axes,
        values,
        latents,
        [factor.replace("_", " ") for factor in factors],
        low=0,
        high=greatest or float(np.nanmax(values, initial=0)),
        decimals=decimals,
        readable=READABLE,
        aspect="auto",
    )
    axes.set(ylabel="latent")
    axes.set_title(title, fontsize=10)
    # As wide beside many latents as beside few.
    figure.colorbar(image, ax=axes, label=label, aspect=BAR * height)
    return figure
