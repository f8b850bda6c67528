"""Plots of matrices, graphs and scores, from stored values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub import Result
from vaehub.analysis import PALETTE, UNDEFINED, frame, heat_map, new_figure
from vaehub.plugins.latent_response.causal_graph import draw_graph, side_of
from vaehub.plugins.latent_response.pivot import Key, Panel, panels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[Any]

CELL = 0.3
"""Inches of a cell, so that its label can be read."""
PANELS_ACROSS = 3
"""Heat maps beside each other; more go below."""


def responses(axes: Axes, matrix: Values, rows: Sequence[str], columns: Sequence[str], label: str = "response") -> None:
    """Draw a matrix of responses with a scale from 0, white, to the greatest, dark."""
    image = heat_map(axes, matrix, rows, columns, colours="Blues")
    assert axes.figure is not None, "made by subplots"
    axes.figure.colorbar(image, ax=axes, shrink=0.7, label=label).ax.tick_params(labelsize=8)


def matrix_and_graph(result: Result) -> Figure:
    """Return the response matrix, causal latents in bold, and the graph between them: Leeb et al. 2021, Figure 6."""
    matrix = result.arrays["matrix"]
    latents = [str(latent) for latent in range(len(matrix))]
    is_causal, is_displaced = (result.vectors[name].values > 0 for name in ("is_causal", "is_displaced"))
    side, graph_side = float(np.clip(CELL * len(matrix), 3.0, 10.0)), side_of(int((is_causal | is_displaced).sum()))
    size = (side + 1.4 + graph_side, max(side + 1.2, graph_side + 0.9))
    figure = new_figure(*size)
    left, right = figure.subplots(1, 2, width_ratios=[side + 1.4, graph_side])
    responses(left, matrix, latents, latents)
    for labels in (left.get_xticklabels(), left.get_yticklabels()):
        for label, causal in zip(labels, is_causal, strict=True):
            label.set(fontweight="bold" if causal else "normal", color="black" if causal else "0.6")
    left.set_xlabel("latent that responds")
    left.set_ylabel("latent that is replaced")
    left.set_title(f"{is_causal.sum()} of {len(matrix)} latents are causal (bold)", fontsize=10)
    draw_graph(right, result)
    return figure


def conditioned(result: Result) -> Figure:
    """Return conditioned responses, a row for each factor; the same size for any matrix of factors and latents."""
    matrix = result.arrays["matrix"]
    labels = result.vectors["factor_response"].labels
    assert labels is not None, "measured with names"
    width = max(4.4, min(CELL * matrix.shape[1], 12.0) + 2.6)
    cell = min(0.5, (width - 1.8) / matrix.shape[1])
    figure = new_figure(width, max(2.2, cell * len(matrix) + 1.1))
    axes = figure.subplots()
    responses(axes, matrix, labels, [str(latent) for latent in range(matrix.shape[1])])
    for label, is_kept in zip(axes.get_xticklabels(), result.vectors["is_kept"].values > 0, strict=True):
        label.set(fontweight="bold" if is_kept else "normal", color="black" if is_kept else "0.6")
    axes.set_xlabel("latent (those in bold are scored)")
    axes.set_ylabel("factor that varies")
    names = {"disentanglement": "causal_disentanglement_score", "completeness": "causal_completeness_score"}
    scores = ", ".join(f"{word} {result.scalars[name]:.2f}" for word, name in names.items())
    axes.set_title(f"causal {scores}", fontsize=10)
    return figure


def side_by_side(result: Result, row_name: str, column_name: str) -> Figure:
    """Return heat maps of panels, one row of heat maps for each group: Leeb et al. 2021, Figure 6b.

    Each has a scale of its own: importances are shares and responses are in the latents' unit, so that with one scale
    for both one of them would be pale. Divided by their greatest values, they would not show whether anything responds.

    Args:
        result: Of :class:`~vaehub.plugins.latent_response.responsibilities.Responsibilities`.
        row_name: What rows are.
        column_name: What columns are.
    """
    groups = [list(each) for _, each in groupby(panels_of(result.tables["responsibilities"]), lambda each: each.group)]
    across = min(PANELS_ACROSS, max(map(len, groups)))
    width = across * max(CELL * len(each[0].columns) + 2.4 for each in groups)
    heights = [-(-len(each) // across) * (CELL * len(each[0].rows) + 1.1) + 0.4 for each in groups]
    figure = new_figure(max(5.0, width), max(2.5, sum(heights)))
    parts = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, panels in zip(parts, groups, strict=True):
        part.suptitle(_above(result, panels), fontsize=10)
        every = part.subplots(-(-len(panels) // across), across, squeeze=False).flatten()
        for axes in every[len(panels) :]:
            axes.remove()
        for axes, panel in zip(every, panels, strict=False):
            rows, columns = (list(map(_word, each)) for each in (panel.rows, panel.columns))
            greatest = float(np.nanmax(panel.matrix, initial=0))
            responses(axes, panel.matrix, rows, columns, f"up to {greatest:.2g}")
            axes.set_title(_word(panel.name), fontsize=9)
            axes.set(xlabel=column_name, ylabel=row_name)
    return figure


def _above(result: Result, panels: Sequence[Panel]) -> str:
    """Return what is written above a group: its name and, of two panels, how far they agree."""
    words = [_word(panels[0].group)]
    if len(panels) == 2:
        table = result.tables["agreement"]
        at = 0 if "group" not in table.keys else table.keys["group"].index(panels[0].group)
        rho, n = table.columns["spearman_rho"][at], table.columns["n_shared"][at]
        words.append(
            f"rank correlation {rho:z.2f}, {n:.0f} cells" if np.isfinite(rho) else "rank correlation undefined"
        )
    return ": ".join(filter(None, words))


def _word(key: Key) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)


def exchanges(result: Result) -> Figure:
    """Return a panel for all latents and one for causal ones: the estimate on a histogram of exchanges."""
    figure = new_figure(8.4, 3.2)
    for axes, prefix, title in zip(
        figure.subplots(1, 2), ("", "causal_"), ("all latents", "causal latents"), strict=True
    ):
        exchanged, estimate = result.arrays[f"{prefix}exchanged"], result.scalars[f"{prefix}mmd2"]
        if np.isfinite(exchanged).any():
            axes.hist(exchanged, bins=30, color=UNDEFINED, label="draws and responses exchanged")
        for value in result.vectors[f"{prefix}mmd2_of_repeat"].values:
            axes.axvline(value, color=PALETTE[0], linewidth=0.6, alpha=0.5)
        axes.axvline(estimate, color=PALETTE[0], linewidth=2, label="estimate: a repetition each, and their mean")
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-3, 3), useMathText=True)
        axes.set_xlabel("squared maximum mean discrepancy")
        axes.set_yticks([])
        frame(axes, "bottom")
        score = result.scalars[f"{prefix}structure_score"]
        axes.set_title(f"{title}: score {score:.3g}" if np.isfinite(score) else f"{title}: there are none", fontsize=10)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure
