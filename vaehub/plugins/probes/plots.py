"""The plot of a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaehub import Table
from vaehub.analysis import PALETTE, frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"mean": PALETTE[0], "sampled": PALETTE[1]}
WIDTH = 0.8
"""Of all bars of one subset together; subsets are 1 apart."""


def accuracy_panels(table: Table) -> Figure:
    """Return a panel for each classifier: bars by subset and representation, a dot for each factor, chance as a line.

    Args:
        table: Accuracies by representation, subset, classifier and factor.
    """
    classifiers = list(dict.fromkeys(table.keys["classifier"]))
    subsets = list(dict.fromkeys(table.keys["subset"]))
    figure = new_figure(max(5.0, 1.5 + 0.95 * len(subsets)), 3.4 * len(classifiers) + 0.4)
    for axes, classifier in zip(figure.subplots(len(classifiers), 1, squeeze=False)[:, 0], classifiers, strict=True):
        _draw(axes, table, str(classifier), [str(subset) for subset in subsets])
    return figure


def _draw(axes: Axes, table: Table, classifier: str, subsets: list[str]) -> None:
    kinds, places, named = (np.array(table.keys[name]) for name in ("representation", "subset", "classifier"))
    accuracy, chance = table.columns["test_accuracy"], table.columns["chance"]
    representations = list(dict.fromkeys(kinds.tolist()))
    width = WIDTH / len(representations)
    for at, representation in enumerate(representations):
        for place, subset in enumerate(subsets):
            chosen = (kinds == representation) & (places == subset) & (named == classifier)
            if not chosen.any():
                continue
            x = place + (at - (len(representations) - 1) / 2) * width
            label = representation if place == 0 else None
            axes.bar(x, accuracy[chosen].mean(), width=0.92 * width, color=COLOURS[representation], label=label)
            if chosen.sum() > 1:
                axes.scatter(np.full(chosen.sum(), x), accuracy[chosen], s=10, color="black", zorder=3)
    axes.axhline(chance.mean(), color=PALETTE[3], linewidth=1, linestyle="--", label="chance")
    axes.set_xticks(range(len(subsets)), [subset.replace("_", "\n") for subset in subsets])
    axes.set_ylim(0, 1)
    axes.set_ylabel("test accuracy")
    axes.set_title({"logistic": "logistic regression", "trees": "gradient-boosted trees"}[classifier], fontsize=10)
    frame(axes)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
