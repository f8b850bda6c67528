"""Plots of kernel distances, and of precision and recall, from stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaehub import Result
from vaehub.analysis import PALETTE, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 20


def subsets(result: Result, features: str) -> Figure:
    """Return a histogram of the distances of subsets, with their mean, and 0 for two sets of one distribution."""
    values = result.arrays["subset_distance"]
    mean, sd = result.scalars["kernel_distance"], result.scalars["kernel_distance_sd"]
    figure = new_figure(5.4, 3.6)
    axes = figure.subplots()
    axes.hist(values, bins=BINS, color=PALETTE[0])
    axes.axvline(mean, color="black", linewidth=1, label=f"mean {mean:.3g}, deviation {sd:.2g}")
    axes.axvline(0, color="grey", linewidth=1, linestyle=":", label="same distribution")
    axes.set_xlabel(f"squared kernel discrepancy of {features}")
    axes.set_ylabel("subsets")
    axes.set_title(f"{int(result.scalars['n_samples'])} samples and observations, {len(values)} subsets", fontsize=10)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    frame(axes)
    return figure


def curve(result: Result, features: str) -> Figure:
    """Return precision against recall: the curve by clusters, its greatest F scores, and the point by neighbours."""
    found = result.scalars
    figure = new_figure(4.6, 4.8)
    axes = figure.subplots()
    axes.plot(result.arrays["recall_curve"], result.arrays["precision_curve"], color=PALETTE[0], label="by clusters")
    words = f"F8 {found['recall']:.3g} and F1/8 {found['precision']:.3g}"
    axes.axvline(found["recall"], color=PALETTE[0], linewidth=1, linestyle=":", label=words)
    axes.axhline(found["precision"], color=PALETTE[0], linewidth=1, linestyle=":")
    axes.plot(found["knn_recall"], found["knn_precision"], "o", color=PALETTE[1], label="by neighbours", clip_on=False)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel("recall: data that samples reach")
    axes.set_ylabel("precision: samples like data")
    axes.set_title(f"{int(found['n_samples'])} samples and observations, {features}", fontsize=10)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=3)
    frame(axes)
    return figure
