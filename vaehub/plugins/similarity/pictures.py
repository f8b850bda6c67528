"""The picture of two models, drawn from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = 0.5
"""Inches that a pair of layers takes, so that its number can be read."""
DARK = 0.55
"""Values below this have a dark ground in the colours used, and are written in white."""


def heat_map(result: Result, column: str, title: str) -> Figure:
    """Return a row for each layer of the first model and a column for each of the second, the input first.

    Layers that have more values than the observations can tell apart are marked; undefined pairs are grey.

    Args:
        result: What a metric of pairs found.
        column: Which values are drawn.
        title: What they are.
    """
    from matplotlib.figure import Figure

    table = result.tables["similarity"]
    first, second = (list(dict.fromkeys(map(str, table.keys[key]))) for key in ("layer_a", "layer_b"))
    values = table.columns[column].reshape(len(first), len(second))
    few = _few(result)
    size = (max(3.6, CELL * len(second) + 2.6), max(3.2, CELL * len(first) + 1.9))
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.7")
    image = axes.imshow(values, cmap="viridis", vmin=0, vmax=1)
    axes.set_xticks(
        range(len(second)), _marked("b", second, few), rotation=45, ha="right", rotation_mode="anchor", fontsize=8
    )
    axes.set_yticks(range(len(first)), _marked("a", first, few), fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, at), value in np.ndenumerate(values):
        colour = "white" if value < DARK else "black"
        text = "-" if np.isnan(value) else f"{value:z.2f}"
        axes.text(at, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel="second model", ylabel="first model")
    n = f"{title}, {result.scalars['n_samples']:.0f} observations"
    axes.set_title(n + ("\n* few for the width of the layer" if few else ""), fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _few(result: Result) -> set[tuple[str, str]]:
    table = result.tables["layers"]
    keys = zip(map(str, table.keys["model"]), map(str, table.keys["layer"]), table.columns["is_few"], strict=True)
    return {(model, layer) for model, layer, is_few in keys if is_few}


def _marked(model: str, layers: list[str], few: set[tuple[str, str]]) -> list[str]:
    return [f"{layer} *" if (model, layer) in few else layer for layer in layers]
