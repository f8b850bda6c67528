"""How a value of each latent changes over training, from the rows of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from vaehub import Columns, Result, Table, TableMetric
from vaehub.analysis import check_columns, check_distinct, table_keys
from vaehub.plugins.polarised.params import LatentHistoryParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentHistory(TableMetric[LatentHistoryParams]):
    """A value of each latent at each snapshot of a training: Bonheme 2023, Figure 6.10, of correlated latents."""

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or hold no numbers, no rows, and two values of a latent at one snapshot."""
        params, keys = self.params, list(self._keys().values())
        check_columns(self.name, rows, [*keys, params.value], [params.snapshot, params.value])
        check_distinct(self.name, rows, keys, "name a column that tells trainings apart as the parameter 'panel'")

    def measure(self, rows: Columns) -> Result:
        """Return the values in order of snapshots."""
        order = np.argsort(rows[self.params.snapshot], kind="stable")
        keys = {key: table_keys(rows[name][order]) for key, name in self._keys().items()}
        values = rows[self.params.value][order].astype(np.float64)
        return Result(
            scalars={
                "n_snapshots": len(set(keys["snapshot"])),
                "n_latents": len(set(keys["latent"])),
                "n_undefined": int((~np.isfinite(values)).sum()),
            },
            tables={"history": Table(keys, {"value": values})},
        )

    def _keys(self) -> dict[str, str]:
        """Return the columns that tell values apart, by what they are."""
        panel = {} if self.params.panel is None else {"panel": self.params.panel}
        return {**panel, "snapshot": self.params.snapshot, "latent": self.params.latent}

    def plot(self, result: Result) -> Figure:
        """Return a heat map for each panel: a row for each latent, a column for each snapshot."""
        from vaehub.plugins.polarised.plots import histories

        return histories(result, self.params.snapshot, self.params.latent, self.params.value)
