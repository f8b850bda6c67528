"""Which latents answer for which factors, by several methods beside each other, from the rows of a query."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from vaehub import Columns, Result, RowsMetric, Table, VaehubError, table_keys
from vaehub.plugins.latent_response.kernels import rank_agreement
from vaehub.plugins.latent_response.panels import Key, Panel, panels_of
from vaehub.plugins.latent_response.params import ResponsibilitiesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "responsibilities"


@final
class Responsibilities(RowsMetric):
    """Matrices of factors and latents side by side, and whether they say the same: Leeb et al. 2021, Figure 6b.

    Latents of two trainings have nothing but their numbers in common. Only panels of one group are compared, therefore,
    and a cell with two values is refused and not averaged.
    """

    Params = ResponsibilitiesParams
    params: ResponsibilitiesParams

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or named twice, values that are no numbers, no rows, and cells with two."""
        asked = [*self._keys().values(), self.params.value]
        if missing := [name for name in asked if name not in rows]:
            raise VaehubError(
                f"metric {NAME!r} was asked for the column {_quoted(missing)}, and the query has {_quoted(list(rows))}"
            )
        if twice := [name for name in dict.fromkeys(asked) if asked.count(name) > 1]:
            raise VaehubError(f"metric {NAME!r} takes each column for one thing, and was given {_quoted(twice)} twice")
        if rows[self.params.value].dtype.kind not in "biuf":
            raise VaehubError(f"metric {NAME!r} is of numbers, and the column {self.params.value!r} has none")
        if not len(rows[self.params.value]):
            raise VaehubError(
                f"metric {NAME!r} needs a row for each cell, and the query has none; are matrices measured yet?"
            )
        self._must_differ(rows)

    def _must_differ(self, rows: Columns) -> None:
        seen = set()
        for cell in zip(*self._keyed(rows).values(), strict=True):
            if cell in seen:
                where = ", ".join(f"{name} {key!r}" for name, key in zip(self._keys().values(), cell, strict=True))
                raise VaehubError(
                    f"metric {NAME!r} takes one value for each cell, and the query has two for {where}; name a column "
                    "that tells trainings apart as the parameter 'group'"
                )
            seen.add(cell)

    def measure(self, rows: Columns) -> Result:
        """Return the values as they are, and how far each two panels of a group agree."""
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
        from vaehub.plugins.latent_response.pictures import side_by_side

        return side_by_side(result, self.params.row, self.params.column)


def _quoted(names: list[str]) -> str:
    return ", ".join(map(repr, names))
