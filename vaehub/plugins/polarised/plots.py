"""Plots of types and of dependence, drawn from stored values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub import Result
from vaehub.analysis import PALETTE, bars, frame, heat_map, new_figure
from vaehub.plugins.polarised.kernels import LATENT_TYPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[Any]

COLOURS = {"active": PALETTE[0], "mixed": PALETTE[1], "passive": "0.6"}
PANELS = {
    "mean": "mean",
    "variance": "variance",
    "logvar": "variance, log scale",
    "ratio": "variance / prior's",
    "sampled": "sampled",
}
"""Title of the histograms of each representation; ``logvar`` is drawn in place of ``variance`` where it is stored."""
SHOWN = 0.95
"""Share of each latent's variances that the axis reaches to: a few are far greater, and would hide the others."""
POWERS = 6
"""Powers of ten that an axis has room for."""
ROW = 0.22
"""Inches that a latent takes, so that its number can be read."""
QUANTITIES = {
    "total_correlation": "total correlation, nats",
    "averaged_mutual_information": "averaged mutual information, nats",
    "effective_rank": "effective rank",
}
DRAWN = ("all", "without_passive", "active", "mixed", "passive")
"""Subsets that are compared; those of other pairs of types are in the table."""
SNAPSHOTS = 12
"""Snapshots up to which each is named on an axis; of more, some are."""


def ridges(result: Result) -> Figure:
    """Return histograms: a column for each representation, a row for each latent, each as high as its greatest bin."""
    left_out = "variance" if "logvar_counts" in result.arrays else None
    names = [name for name in PANELS if f"{name}_counts" in result.arrays and name != left_out]
    order, types = _ordered(result)
    figure = new_figure(2.8 * len(names) + 0.6, max(2.4, ROW * len(order) + 1.2))
    for axes, name in zip(figure.subplots(1, len(names), sharey=True), names, strict=True):
        for place, latent in enumerate(order):
            _ridge(axes, result, name, latent, -place, COLOURS[types[latent]])
        axes.set_title(PANELS[name], fontsize=10)
        axes.set_yticks([-place for place in range(len(order))], [str(latent) for latent in order], fontsize=7)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=8)
        frame(axes, "bottom")
        if name in ("variance", "ratio"):
            of_prior = result.arrays.get(f"prior_{name}_edges", np.ones(1)).max()
            greatest = max(1.1, of_prior, _reach(result.arrays[f"{name}_counts"], result.arrays[f"{name}_edges"]))
            axes.set_xlim(-0.03 * greatest, 1.03 * greatest)
        if name == "logvar":
            _label_by_powers(axes)
        axes.set_ylim(-len(order) + 0.9, 1.1)
    figure.supylabel("latent", fontsize=9)
    _legend(figure, result)
    return figure


def _reach(counts: Values, edges: Values) -> float:
    """Return the greatest of the values below which a share of each histogram is."""
    enough = counts.cumsum(axis=1) >= SHOWN * counts.sum(axis=1, keepdims=True)
    return float(edges[np.arange(len(edges)), enough.argmax(axis=1) + 1].max())


def _label_by_powers(axes: Axes) -> None:
    """Label an axis of natural logarithms by the powers of ten whose logarithms lie on it."""
    low, high = (edge / math.log(10) for edge in axes.get_xlim())
    step = max(1, -(-int(high - low) // POWERS))
    powers = [power for power in range(math.ceil(low), math.floor(high) + 1) if power % step == 0]
    axes.set_xticks([power * math.log(10) for power in powers], [f"$10^{{{power}}}$" for power in powers])


def _ridge(axes: Axes, result: Result, name: str, latent: int, base: float, colour: str) -> None:
    """Draw one histogram upon a line, and that of the prior, where it has one, as an outline."""
    for shown, outline in ((name, False), (f"prior_{name}", True)):
        if f"{shown}_counts" in result.arrays:
            heights = result.arrays[f"{shown}_counts"][latent]
            edges = result.arrays[f"{shown}_edges"][latent]
            tops = base + 0.9 * heights / heights.max()
            if outline:
                axes.stairs(tops, edges, baseline=base, color="black", linewidth=0.6)
            else:
                # A line as well, or a histogram much narrower than the axis would not be seen.
                axes.stairs(tops, edges, baseline=base, fill=True, facecolor=colour, edgecolor=colour, linewidth=0.8)
    axes.axhline(base, color="0.85", linewidth=0.4, zorder=0)


def _legend(figure: Figure, result: Result) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=COLOURS[name], label=f"{int(result.scalars[f'n_{name}'])} {name}") for name in LATENT_TYPES]
    figure.legend(handles=patches, loc="outside upper center", ncols=3, fontsize=9, frameon=False)


def grouped_bars(result: Result) -> Figure:
    """Return a panel for each quantity: groups of bars are subsets, and each has one for each representation."""
    table = result.tables["dependence"]
    rows = {key: row for row, key in enumerate(zip(table.keys["representation"], table.keys["subset"], strict=True))}
    subsets = [name for name in DRAWN if ("mean", name) in rows]
    sizes = [table.columns["n_latents"][rows["mean", name]] for name in subsets]
    labels = [f"{name.replace('_', ' ')} ({size:.0f})" for name, size in zip(subsets, sizes, strict=True)]
    figure = new_figure(3.4 * len(QUANTITIES), 3.6)
    for axes, (column, title) in zip(figure.subplots(1, len(QUANTITIES)), QUANTITIES.items(), strict=True):
        for shift, name, colour in ((-0.2, "mean", PALETTE[0]), (0.2, "sampled", PALETTE[2])):
            values = table.columns[column][[rows[name, subset] for subset in subsets]]
            bars(axes, values, labels, colours=colour, label=name, shift=shift, width=0.4)
        axes.set_title(title, fontsize=10)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, fontsize=9, frameon=False)
    return figure


def heat_maps(result: Result, threshold: float) -> Figure:
    """Return both matrices of correlation, active latents first, with lines between types."""
    order, types = _ordered(result)
    side = float(np.clip(0.16 * len(order), 3.2, 9))
    figure = new_figure(2 * side + 1.4, side + 0.8)
    every = figure.subplots(1, 2)
    n_pairs = result.tables["representations"].columns["n_correlated_pairs"]
    for axes, name, pairs in zip(every, ("mean", "sampled"), n_pairs, strict=True):
        matrix = result.arrays[f"correlation_{name}"][np.ix_(order, order)]
        labels = [str(latent) for latent in order]
        image = heat_map(axes, matrix, labels, labels, low=-1, high=1, colours="RdBu_r", decimals=1)
        for axis in (axes.xaxis, axes.yaxis):
            for label, latent in zip(axis.get_ticklabels(), order, strict=True):
                label.set_color(COLOURS[types[latent]])
        for at in range(1, len(order)):
            if types[order[at]] != types[order[at - 1]]:
                axes.axhline(at - 0.5, color="black", linewidth=0.8)
                axes.axvline(at - 0.5, color="black", linewidth=0.8)
        axes.set_title(f"{name}: pairs above {threshold:g}: {pairs:.0f}", fontsize=10)
    figure.colorbar(image, ax=every, shrink=0.8, label="correlation")
    _legend(figure, result)
    return figure


def _ordered(result: Result) -> tuple[list[int], list[str]]:
    """Return latents, active ones first, and the type of each latent by index."""
    vector = result.vectors["type"]
    return np.argsort(vector.values, kind="stable").tolist(), [LATENT_TYPES[int(code)] for code in vector.values]


def histories(result: Result, snapshot_name: str, latent_name: str, value_name: str) -> Figure:
    """Return a heat map for each training: latents below each other, snapshots beside each other, equally far apart.

    Panels share one scale of colours, which is centred on 0 where values have both signs.
    """
    table = result.tables["history"]
    panels = table.keys.get("panel", [""] * len(table.keys["latent"]))
    titles = list(dict.fromkeys(panels))
    snapshots, latents = (_places(table.keys[name]) for name in ("snapshot", "latent"))
    matrices = {title: np.full((len(latents), len(snapshots)), np.nan) for title in titles}
    cells = zip(panels, table.keys["latent"], table.keys["snapshot"], table.columns["value"], strict=True)
    for title, latent, snapshot, value in cells:
        matrices[title][latents[latent], snapshots[snapshot]] = value
    size = (max(3.4, 0.3 * len(snapshots) + 1.6), max(2.2, ROW * len(latents) + 1.1))
    down = -(-len(titles) // 3)
    across = -(-len(titles) // down)
    figure = new_figure(across * size[0] + 0.8, down * size[1])
    every = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    names, step = list(map(str, snapshots)), -(-len(snapshots) // SNAPSHOTS)
    scale = _scale(np.concatenate([matrix.ravel() for matrix in matrices.values()]))
    for axes, title in zip(every, titles, strict=False):
        image = heat_map(axes, matrices[title], list(map(str, latents)), names, **scale, readable=0, aspect="auto")
        axes.set_title(str(title), fontsize=9)
        axes.set_xticks(range(0, len(names), step), names[::step])
    for axes in every[len(titles) :]:
        axes.remove()
    for axes in every[len(titles) - across : len(titles)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel(snapshot_name, fontsize=9)
    figure.supylabel(latent_name, fontsize=9)
    figure.colorbar(image, ax=every[: len(titles)].tolist(), label=value_name)
    return figure


def _scale(values: Values) -> dict[str, Any]:
    """Return the colours of some values: of two hues, and white for 0, where they have both signs."""
    values = values[np.isfinite(values)]
    if not len(values) or values.min() >= 0:
        return {"colours": "viridis", "low": 0, "high": values.max() if len(values) else 1}
    reach = np.abs(values).max()
    return {"colours": "RdBu_r", "low": -reach, "high": reach}


def _places(keys: Sequence[str | int | float]) -> dict[str | int | float, int]:
    """Return where each key is: numbers by size, and names after them."""
    return {key: at for at, key in enumerate(sorted(set(keys), key=lambda key: (isinstance(key, str), key)))}
