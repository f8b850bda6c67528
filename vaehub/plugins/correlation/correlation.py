"""Correlation between columns of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import Columns, Result, Table, TableMetric, VaehubError
from vaehub.analysis import PALETTE, check_columns, frame, holds_numbers, new_figure
from vaehub.plugins.correlation.kernels import FEWEST, bootstrap_intervals, n_pairs, pearson, spearman
from vaehub.plugins.correlation.params import CorrelationParams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCATTERS_IN_A_ROW = 3


@final
class Correlation(TableMetric[CorrelationParams]):
    """Correlation of features with one variable over the runs of a study: Müller et al. 2025, Section 2.5.

    The section announces Pearson's coefficient and the results report Spearman's; both are computed.
    """

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or hold no numbers, and too few rows."""
        against = self.params.against
        asked = list(dict.fromkeys([against, *self.params.of]))
        check_columns(self.name, rows, asked, asked)
        if not self._features(rows):
            raise VaehubError(
                f"metric {self.name!r} needs a column of numbers beside {against!r}, "
                f"and the columns are {', '.join(map(repr, rows))}"
            )
        n = int((~_values(rows[against]).isnan()).sum())
        if n < FEWEST:
            raise VaehubError(f"metric {self.name!r} needs {FEWEST} rows with a value of {against!r}, got {n}")

    def measure(self, rows: Columns) -> Result:
        """Return coefficients, p-values, numbers of pairs and intervals, and the values that they are computed from."""
        features = self._features(rows)
        x = torch.stack([_values(rows[name]) for name in features], dim=1)
        y = _values(rows[self.params.against])
        rho, rho_p = spearman(x, y)
        r, r_p = pearson(x, y)
        columns = {"spearman_rho": rho, "spearman_p": rho_p, "pearson_r": r, "pearson_p": r_p, "n": n_pairs(x, y)}
        if self.params.n_bootstrap:
            columns |= self._intervals(x, y)
        keys = {"feature": features, "against": [self.params.against] * len(features)}
        return Result(tables={"correlation": Table(keys, columns)}, arrays={"feature_values": x, "against_values": y})

    def _features(self, rows: Columns) -> list[str]:
        others = [name for name in rows if name != self.params.against and holds_numbers(rows[name])]
        return list(dict.fromkeys(self.params.of)) or others

    def _intervals(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        found = {}
        for name in ("spearman", "pearson"):
            found[f"{name}_low"], found[f"{name}_high"] = bootstrap_intervals(
                x,
                y,
                name,
                n_resamplings=self.params.n_bootstrap,
                confidence=self.params.confidence,
                generator=self.generator("bootstrap"),
            )
        return found

    def plot(self, result: Result) -> Figure:
        """Return bars of Spearman's coefficient, sorted, above a scatter plot of each feature."""
        table = result.tables["correlation"]
        # NaN is sorted to the end, and so to the bottom.
        order = (-table.columns["spearman_rho"]).argsort(kind="stable")
        n_across = min(SCATTERS_IN_A_ROW, len(order))
        n_down = -(-len(order) // n_across)
        heights = [1.1 + 0.34 * len(order), 2.3 * n_down]
        figure = new_figure(7.5, sum(heights))
        above, below = figure.subfigures(2, 1, height_ratios=heights, squeeze=False)[:, 0]
        axes = above.subplots()
        _draw_bars(axes, table, order)
        if "spearman_low" in table.columns:
            axes.set_title(f"lines hold {100 * self.params.confidence:.4g} % of the resamplings", fontsize="medium")
        places = below.subplots(n_down, n_across, sharey=True, squeeze=False).flatten()
        for axes, feature in zip(places, order, strict=False):
            axes.scatter(result.arrays["feature_values"][:, feature], result.arrays["against_values"], s=9, alpha=0.6)
            axes.set_xlabel(table.keys["feature"][feature])
            axes.locator_params(axis="x", nbins=4)
            frame(axes)
        for axes in places[::n_across]:
            axes.set_ylabel(table.keys["against"][0])
        for axes in places[len(order) :]:
            axes.remove()
        return figure


def _draw_bars(axes: Axes, table: Table, order: NDArray[np.intp]) -> None:
    places = range(len(order))
    rho, p = table.columns["spearman_rho"][order], table.columns["spearman_p"][order]
    n = table.columns["n"].astype(int)
    axes.barh(places, np.nan_to_num(rho), color=PALETTE[0], height=0.65)
    if "spearman_low" in table.columns:
        # Lines from end to end: an interval of percentiles need not contain the coefficient, as error bars must.
        axes.hlines(places, table.columns["spearman_low"][order], table.columns["spearman_high"][order], color="black")
    axes.set_yticks(places, [str(table.keys["feature"][feature]) for feature in order])
    axes.invert_yaxis()
    for place in places:
        words = "undefined" if np.isnan(rho[place]) else f"p = {p[place]:.2g}"
        axes.text(1.02, place, words, transform=axes.get_yaxis_transform(), va="center")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlim(-1, 1)
    runs = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
    axes.set_xlabel(f"Spearman's rank correlation with {table.keys['against'][0]} (n = {runs})")
    frame(axes, "bottom")
    axes.tick_params(axis="y", length=0)


def _values(column: NDArray[Any]) -> Tensor:
    return torch.tensor(column, dtype=torch.float64)
