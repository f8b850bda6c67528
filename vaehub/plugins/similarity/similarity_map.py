"""Mean similarity of pairs of layers over seeds, from the rows of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from vaehub import Columns, Result, Table, TableMetric
from vaehub.analysis import check_columns, table_keys
from vaehub.plugins.similarity.params import SimilarityMapParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class SimilarityMap(TableMetric[SimilarityMapParams]):
    """Similarity of each pair of layers, averaged over all pairs of seeds: Bonheme 2023, Eq. 7.9."""

    def check(self, rows: Columns) -> None:
        """Refuse missing columns, similarities that are not numbers, and a query without rows."""
        check_columns(self.name, rows, [*self._keys(), self.params.value], [self.params.value])

    def measure(self, rows: Columns) -> Result:
        """Return mean, standard deviation and number of the defined similarities of each pair of layers.

        The mean of none is NaN, and so is the deviation of fewer than two.
        """
        labels = list(zip(*(table_keys(rows[name]) for name in self._keys()), strict=True))
        groups = {label: at for at, label in enumerate(dict.fromkeys(labels))}
        group = np.array([groups[label] for label in labels])
        scores = rows[self.params.value].astype(np.float64)
        group, scores = group[~np.isnan(scores)], scores[~np.isnan(scores)]
        n = np.bincount(group, minlength=len(groups)).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(group, scores, len(groups)) / n
            spread = np.sqrt(np.bincount(group, (scores - mean[group]) ** 2, len(groups)) / (n - 1))
        keys = dict(zip(self._keys(), zip(*groups, strict=True), strict=True))
        columns = {self.params.value: mean, "sd": np.where(n > 1, spread, np.nan), "n": n}
        return Result(scalars={"n_rows": len(labels)}, tables={"similarity": Table(keys, columns)})

    def _keys(self) -> list[str]:
        panel = [] if self.params.panel is None else [self.params.panel]
        return [*panel, self.params.first, self.params.second]

    def plot(self, result: Result) -> Figure:
        """Return a heat map for each panel."""
        from vaehub.plugins.similarity.plots import panel_maps

        params = self.params
        return panel_maps(result, params.value, params.first, params.second, params.panel)
