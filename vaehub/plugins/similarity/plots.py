"""Heat maps of similarity by pair of layers, drawn from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Result
from vaehub.analysis import heat_map, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 0.5
"""Inches per pair of layers, so that its number is readable."""
ACROSS = 3
"""Heat maps in a row."""
READABLE = 100
"""Layers up to which numbers are written: figures grow with the number of layers."""


def layer_map(result: Result, column: str, title: str) -> Figure:
    """Return a heat map with a row for each layer of the first model and a column for each layer of the second.

    Layers with too few observations for their width have an asterisk; undefined pairs are grey.

    Args:
        result: Result of a metric that compares two models layer by layer.
        column: Column of the table ``similarity`` that is drawn.
        title: Name of the similarity.
    """
    table = result.tables["similarity"]
    first, second = (list(dict.fromkeys(map(str, table.keys[key]))) for key in ("layer_a", "layer_b"))
    few = _few(result)
    figure, [axes] = _panels(1, len(first), len(second))
    matrix = table.columns[column].reshape(len(first), len(second))
    rows, columns = _marked("a", first, few), _marked("b", second, few)
    image = heat_map(axes, matrix, rows, columns, low=0, high=1, readable=READABLE)
    axes.set(xlabel="second model", ylabel="first model")
    n = f"{title}, {result.scalars['n_samples']:.0f} observations"
    axes.set_title(n + ("\n* few for the width of the layer" if few else ""), fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def signature_map(result: Result) -> Figure:
    """Return a heat map of the similarity of each pair of layers of one model, which are inner products of signatures.

    Args:
        result: Result with signatures ``signature`` and a table ``layers``.
    """
    signatures, table = result.signatures["signature"], result.tables["layers"]
    vectors = signatures.vectors.astype(np.float64)
    few = {str(layer) for layer, is_few in zip(table.keys["layer"], table.columns["is_few"], strict=True) if is_few}
    names = [f"{layer} *" if layer in few else layer for layer in signatures.layers]
    figure, [axes] = _panels(1, len(names), len(names))
    image = heat_map(axes, vectors @ vectors.T, names, names, low=0, high=1, readable=READABLE)
    n = f"CKA by signatures, {result.scalars['n_samples']:.0f} observations"
    axes.set_title(n + ("\n* few for the width of the layer" if few else ""), fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def panel_maps(result: Result, value: str, first_name: str, second_name: str, panel_name: str | None) -> Figure:
    """Return a heat map for each panel of a table of similarities.

    Args:
        result: Result with a table ``similarity``.
        value: Column that is drawn.
        first_name: Key with the labels of rows.
        second_name: Key with the labels of columns.
        panel_name: Key that separates panels; one panel if ``None``.
    """
    table = result.tables["similarity"]
    firsts, seconds = (list(map(str, table.keys[name])) for name in (first_name, second_name))
    panels = list(map(str, table.keys[panel_name])) if panel_name else [""] * len(firsts)
    cells = list(zip(panels, firsts, seconds, table.columns[value], strict=True))
    titles = list(dict.fromkeys(panels))
    figure, every = _panels(len(titles), len(set(firsts)), len(set(seconds)))
    for title, axes in zip(titles, every, strict=True):
        own = {(one, other): score for panel, one, other, score in cells if panel == title}
        # The models of two panels may have different layers.
        rows, columns = (list(dict.fromkeys(pair[at] for pair in own)) for at in (0, 1))
        matrix = np.array([[own.get((one, other), np.nan) for other in columns] for one in rows])
        image = heat_map(axes, matrix, rows, columns, low=0, high=1, readable=READABLE)
        axes.set_title(title, fontsize=9)
        axes.set(xlabel=second_name, ylabel=first_name)
    figure.colorbar(image, ax=every, shrink=0.8 / -(-len(titles) // ACROSS), label=value)
    return figure


def _panels(n: int, n_rows: int, n_columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with axes for ``n`` heat maps side by side."""
    across = min(n, ACROSS)
    down = -(-n // across)
    width, height = across * (CELL * n_columns + 1.6) + 1, down * (CELL * n_rows + 1.9)
    figure = new_figure(max(3.6, width), max(3.2, height))
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
