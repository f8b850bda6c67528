"""What pictures of latents have in common."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def axes_of(marks: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure and its axes with a mark for each place, wide enough to read all."""
    figure = Figure(figsize=(max(6.0, 0.22 * len(marks)), 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set_xticks(range(len(marks)), marks, rotation=90, fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
