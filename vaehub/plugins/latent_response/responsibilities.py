"""Which latents encode which factors, by several methods side by side, from the rows of a query."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from vaehub import Columns, Result, Table, TableMetric
from vaehub.analysis import check_columns, check_distinct, table_keys
from vaehub.plugins.latent_response.kernels import rank_agreement
from vaehub.plugins.latent_response.params import ResponsibilitiesParams
from vaehub.plugins.latent_response.pivot import Key, Panel, panels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Responsibilities(TableMetric[ResponsibilitiesParams]):
    """Matrices of factors and latents side by side, and whether they say the same: Leeb et al. 2021, Figure 6b.

    Latents of two trainings have nothing but their numbers in common. Only panels of one group are compared, therefore,
    and a cell with two values is refused and not averaged.
    """

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or named twice, values that are no numbers, no rows, and cells with two."""
        keys = list(self._keys().values())
        check_columns(self.name, rows, [*keys, self.params.value], [self.params.value])
        check_distinct(self.name, rows, keys, "name the column of trainings as the parameter 'group'")

    def measure(self, rows: Columns) -> Result:
        """Return the values as they are, and the agreement of each pair of panels of a group."""
        values = rows[self.params.value].astype(np.float64)
        tables = {"responsibilities": Table(self._keyed(rows), {"value": values})}
        panels = panels_of(tables["responsibilities"])
        pairs = [pair for pair in combinations(panels, 2) if pair[0].group == pair[1].group]
        if pairs:
            tables["agreement"] = self._agreement(pairs)
        return Result(
            scalars={"n_panels": len(panels), "n_undefined": int((~np.isfinite(values)).sum())}, tables=tables
        )

    def _agreement(self, pairs: list[tuple[Panel, Panel]]) -> Table:
        found = [rank_agreement(*(torch.from_numpy(panel.matrix) for panel in pair)) for pair in pairs]
        keys = {"first": [first.name for first, _ in pairs], "second": [second.name for _, second in pairs]}
        if self.params.group is not None:
            keys = {"group": [first.group for first, _ in pairs], **keys}
        return Table(keys, {name: [getattr(each, name) for each in found] for name in ("spearman_rho", "n_shared")})

    def _keys(self) -> dict[str, str]:
        """Return the columns that tell cells apart, by what they are."""
        group = {} if self.params.group is None else {"group": self.params.group}
        return {**group, "panel": self.params.panel, "row": self.params.row, "column": self.params.column}

    def _keyed(self, rows: Columns) -> dict[str, list[Key]]:
        return {key: table_keys(rows[name]) for key, name in self._keys().items()}

    def plot(self, result: Result) -> Figure:
        """Return a heat map for each panel, those of one group beside each other."""
        from vaehub.plugins.latent_response.plots import side_by_side

        return side_by_side(result, self.params.row, self.params.column)
