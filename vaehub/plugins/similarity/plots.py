"""Heat maps of layers by layers, from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result
from vaehub.analysis import heat_map, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 0.5
"""Inches that a pair of layers takes, so that its number can be read."""
ACROSS = 3
"""Heat maps beside each other; more go below."""


def layer_map(result: Result, column: str, title: str) -> Figure:
    """Return a row for each layer of the first model and a column for each of the second, the input first.

    Layers that have more values than the observations can tell apart are marked; undefined pairs are grey.

    Args:
        result: Result of a metric of pairs.
        column: Values that are shown.
        title: Their name.
    """
    table = result.tables["similarity"]
    first, second = (list(dict.fromkeys(map(str, table.keys[key]))) for key in ("layer_a", "layer_b"))
    few = _few(result)
    figure, [axes] = _panels(1, len(first), len(second))
    matrix = table.columns[column].reshape(len(first), len(second))
    rows, columns = _marked("a", first, few), _marked("b", second, few)
    image = heat_map(axes, matrix, rows, columns, low=0, high=1, readable=max(matrix.shape))
    axes.set(xlabel="second model", ylabel="first model")
    n = f"{title}, {result.scalars['n_samples']:.0f} observations"
    axes.set_title(n + ("\n* few for the width of the layer" if few else ""), fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def similarity_maps(result: Result, value: str, first_name: str, second_name: str, panel_name: str | None) -> Figure:
    """Return a heat map for each panel of a table of mean similarities.

    Args:
        result: Result of :class:`~vaehub.plugins.similarity.similarity_map.SimilarityMap`.
        value: Column that is shown.
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
        image = heat_map(axes, matrix, first, second, low=0, high=1, readable=max(matrix.shape))
        axes.set_title(title, fontsize=9)
        axes.set(xlabel=second_name, ylabel=first_name)
    figure.colorbar(image, ax=every, shrink=0.8 / -(-len(titles) // ACROSS))
    return figure


def _panels(n: int, n_rows: int, n_columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with room for some heat maps side by side."""
    across = min(n, ACROSS)
    down = -(-n // across)
    size = (max(3.6, across * (CELL * n_columns + 1.6) + 1), max(3.2, down * (CELL * n_rows + 1.9)))
    figure = new_figure(*size)
    every = np.ravel(figure.subplots(down, across, squeeze=False)).tolist()
    for axes in every[n:]:
        axes.set_visible(False)
    return figure, every[:n]


def _few(result: Result) -> set[tuple[str, str]]:
    table = result.tables["layers"]
    keys = zip(map(str, table.keys["model"]), map(str, table.keys["layer"]), table.columns["is_few"], strict=True)
    return {(model, layer) for model, layer, is_few in keys if is_few}


def _marked(model: str, layers: list[str], few: set[tuple[str, str]]) -> list[str]:
    return [f"{layer} *" if (model, layer) in few else layer for layer in layers]
