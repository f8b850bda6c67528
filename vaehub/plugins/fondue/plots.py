"""Plots of searches, knees and information, drawn from stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaehub import Result, Table
from vaehub.analysis import PALETTE, bars, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "distortion": "distortion",
    "mse": "mean squared error of a value",
    "accuracy": "downstream accuracy",
}
ASIDE = 9.0
"""Points between the numbers of visits with two numbers of epochs."""
SPREAD = 12
"""Ratio of the greatest to the least that a linear axis shows well."""
READABLE = 14
"""Ticks up to which each visit has its own."""
UNITS = {"distortion": "nats", "mse": "mean squared error", "accuracy": "mean test accuracy"}


def plot_search(table: Table, answer: float, threshold: float, unit: str) -> Figure:
    """Return gaps against what was varied: a line for each number of epochs, and visits numbered in their order."""
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    epochs = np.array(table.keys["epochs"])
    n, gap = table.columns["n"], table.columns["gap"]
    every = list(dict.fromkeys(table.keys["epochs"]))
    for place, each in enumerate(every):
        mine = np.flatnonzero(epochs == each)
        in_order = mine[np.argsort(n[mine])]
        colour = PALETTE[place % len(PALETTE)]
        axes.plot(n[in_order], gap[in_order], color=colour, marker="o", markersize=4, label=f"{each} epochs")
        # Lines of several epochs are close to each other, and their numbers stand side by side.
        aside = ASIDE * (place - (len(every) - 1) / 2)
        for row in mine:
            axes.annotate(
                str(table.keys["step"][row]),
                (n[row], gap[row]),
                xytext=(aside, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )
    axes.axhline(threshold, color="0.3", linewidth=0.8, linestyle="--", label=f"threshold {threshold:g}")
    axes.axvline(answer, color="0.7", linewidth=0.8, zorder=0, label=f"answer: {answer:.3g}")
    _scale(axes, n, threshold)
    axes.set_xlabel(unit)
    axes.set_ylabel("gap")
    axes.margins(y=0.12)
    frame(axes)
    axes.legend(fontsize=8, frameon=False)
    return figure


def _scale(axes: Axes, n: NDArray[np.float64], threshold: float) -> None:
    """Choose scales on which small numbers and small gaps can be told apart, with ticks at plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, SymmetricalLogLocator

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    linear = max(2 * abs(threshold), 0.05)
    axes.set_yscale("symlog", linthresh=linear)
    axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=linear / 4, subs=[1, 2, 5]))
    axes.yaxis.set_major_formatter(plain)
    if n.max() > SPREAD * n.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=[1, 2, 5]))
        axes.xaxis.set_major_formatter(plain)
        axes.set_xticks([], minor=True)
    elif len(np.unique(n)) <= READABLE:
        axes.set_xticks(np.unique(n), [f"{each:g}" for each in np.unique(n)])


def plot_elbows(result: Result) -> Figure:
    """Return a panel for each curve that knees are looked for in: means over seeds, and their standard deviations."""
    curves, knees = result.tables["means"], result.tables["knees"]
    figure = new_figure(4.4 * len(knees.keys["curve"]), 3.6)
    places = np.array(curves.keys["latent_dim"], dtype=float)
    every = figure.subplots(1, len(knees.keys["curve"]), squeeze=False)[0]
    for axes, name, reason, at in zip(
        every, knees.keys["curve"], knees.keys["reason"], knees.columns["knee"], strict=True
    ):
        values, deviations = (curves.columns.get(f"{name}_{what}") for what in ("mean", "deviation"))
        assert values is not None, "each curve has a mean"
        axes.errorbar(places, values, yerr=deviations, marker="o", markersize=4, capsize=2)
        axes.plot(places[[0, -1]], values[[0, -1]], color="0.7", linewidth=0.8, linestyle=":", label="chord")
        if np.isfinite(at):
            axes.axvline(at, color=PALETTE[3], linewidth=0.9, linestyle="--", label=f"knee: {at:g}")
        else:
            axes.plot([], [], " ", label=f"no knee: {reason}")
        if name == "accuracy" and "steadiest" in result.scalars:
            best = result.scalars["steadiest"]
            axes.axvline(best, color=PALETTE[2], linewidth=0.9, linestyle="-.", label=f"high and steady: {best:g}")
        axes.set_xlabel("latents")
        axes.set_ylabel(UNITS[str(name)])
        axes.set_title(TITLES[str(name)], fontsize=10)
        axes.legend(fontsize=8, frameon=False)
        frame(axes)
    return figure


def plot_traces(result: Result) -> Figure:
    """Return two bars for each latent, of which traces are the sums, the greatest variance of means first."""
    of_mean, of_sampled = (result.vectors[name].values for name in ("variance_mean", "variance_sampled"))
    order = np.argsort(-of_mean, kind="stable")
    names = [str(latent) for latent in order]
    figure = new_figure(max(5.0, 0.34 * len(order) + 2.2), 3.4)
    axes = figure.subplots()
    scalars = result.scalars
    for values, shift, colour, label in (
        (of_mean, -0.2, PALETTE[0], f"means, trace {scalars['trace_mean']:.3g}"),
        (of_sampled, 0.2, PALETTE[1], f"samples, trace {scalars['trace_sampled']:.3g}"),
    ):
        bars(axes, values[order], names, colours=colour, label=label, shift=shift, width=0.38)
    axes.axhline(1, color="0.3", linewidth=0.8, linestyle="--", label="variance of a passive latent's samples")
    axes.set_xlabel("latent")
    axes.set_ylabel("variance")
    axes.set_title(f"gap of the traces: {scalars['gap']:.3g}", fontsize=10)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def plot_plane(result: Result) -> Figure:
    """Return the information of each layer on both ends, in the order of layers, and their entropies."""
    from matplotlib import colormaps

    entropy = result.vectors["entropy"]
    assert entropy.labels is not None, "measured with names"
    names, x, y = entropy.labels, result.vectors["information_input"], result.vectors["information_reconstruction"]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    figure = new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2)
    for name, colour, across, up in zip(names, colours, x.values, y.values, strict=True):
        left.scatter(across, up, color=colour, s=42, alpha=0.8, label=name)
    left.set_xlabel("information on x, bits")
    left.set_ylabel("information on the reconstruction, bits")
    left.margins(0.08)
    left.legend(fontsize=7, frameon=False)
    right.barh(range(len(names)), entropy.values, color=colours)
    right.set_yticks(range(len(names)), names, fontsize=8)
    right.invert_yaxis()
    right.axvline(result.scalars["highest"], color="0.3", linewidth=0.8, linestyle="--")
    right.set_xlabel("entropy, bits; dashed: the most that it can be")
    for axes in (left, right):
        frame(axes)
    return figure
