"""Pictures of layers by layers, drawn from stored values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

CELL = 0.5
"""Inches that a pair of layers takes, so that its number can be read."""
ACROSS = 3
"""Heat maps beside each other; more go below."""
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
    table = result.tables["similarity"]
    first, second = (list(dict.fromkeys(map(str, table.keys[key]))) for key in ("layer_a", "layer_b"))
    few = _few(result)
    figure, [axes] = _panels(1, len(first), len(second))
    image = _draw(axes, table.columns[column], _marked("a", first, few), _marked("b", second, few))
    axes.set(xlabel="second model", ylabel="first model")
    n = f"{title}, {result.scalars['n_samples']:.0f} observations"
    axes.set_title(n + ("\n* few for the width of the layer" if few else ""), fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def maps(result: Result, value: str, first_name: str, second_name: str, panel_name: str | None) -> Figure:
    """Return a heat map for each panel of a table of mean similarities.

    Args:
        result: Of :class:`~vaehub.plugins.similarity.similarity_map.SimilarityMap`.
        value: Column that is drawn.
        first_name: Key of rows.
        second_name: Key of columns.
        panel_name: Key that tells panels apart, if there are several.
    """
    table = result.tables["similarity"]
    firsts, seconds = (list(map(str, table.keys[name])) for name in (first_name, second_name))
    panels = list(map(str, table.keys[panel_name])) if panel_name else [""] * len(firsts)
    rows = list(zip(panels, firsts, seconds, table.columns[value], strict=True))
    titles = list(dict.fromkeys(panels))
    figure, every = _panels(len(titles), len(set(firsts)), len(set(seconds)))
    for title, axes in zip(titles, every, strict=True):
        own = {(one, other): score for panel, one, other, score in rows if panel == title}
        # Models of one map need not have the layers of those in another.
        first, second = (list(dict.fromkeys(pair[at] for pair in own)) for at in (0, 1))
        matrix = np.array([[own.get((one, other), np.nan) for other in second] for one in first])
        image = _draw(axes, matrix, first, second)
        axes.set_title(title, fontsize=9)
        axes.set(xlabel=second_name, ylabel=first_name)
    figure.colorbar(image, ax=every, shrink=0.8 / -(-len(titles) // ACROSS))
    return figure


def _panels(n: int, n_rows: int, n_columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with room for some heat maps side by side."""
    from matplotlib.figure import Figure

    across = min(n, ACROSS)
    down = -(-n // across)
    size = (max(3.6, across * (CELL * n_columns + 1.6) + 1), max(3.2, down * (CELL * n_rows + 1.9)))
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    every = np.ravel(figure.subplots(down, across, squeeze=False)).tolist()
    for axes in every[n:]:
        axes.set_visible(False)
    return figure, every[:n]


def _draw(axes: Axes, values: NDArray[np.float64], first: Sequence[str], second: Sequence[str]) -> AxesImage:
    """Draw a matrix of similarities with its numbers; what is undefined is grey."""
    values = values.reshape(len(first), len(second))
    axes.set_facecolor("0.7")
    image = axes.imshow(values, cmap="viridis", vmin=0, vmax=1)
    axes.set_xticks(range(len(second)), list(second), rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(first)), list(first), fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, at), value in np.ndenumerate(values):
        colour = "white" if value < DARK else "black"
        text = "-" if np.isnan(value) else f"{value:z.2f}"
        axes.text(at, row, text, ha="center", va="center", fontsize=7, color=colour)
    return image


def _few(result: Result) -> set[tuple[str, str]]:
    table = result.tables["layers"]
    keys = zip(map(str, table.keys["model"]), map(str, table.keys["layer"]), table.columns["is_few"], strict=True)
    return {(model, layer) for model, layer, is_few in keys if is_few}


def _marked(model: str, layers: list[str], few: set[tuple[str, str]]) -> list[str]:
    return [f"{layer} *" if (model, layer) in few else layer for layer in layers]
