"""The dimension of a dataset by maximum likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch

from vaehub import Dataset, DatasetMetric, Needs, Result, Vector
from vaehub.plugins.intrinsic_dimension.kernels import anchors, local_of, mle_in_runs, retained
from vaehub.plugins.intrinsic_dimension.neighbour_table import counts, neighbours_of
from vaehub.plugins.intrinsic_dimension.params import MleParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class IntrinsicDimensionMle(DatasetMetric[MleParams]):
    """The estimate of Levina & Bickel 2004 for several numbers of neighbours, of which a stable one is retained.

    Bonheme 2023, Section 8.2, prints the mean of local estimates with k - 1; her code pools them with k - 2, over five
    draws of 80 % of the observations (``preset=thesis-code``). The default here is pooled, with k - 1, over all.
    """

    @property
    def needs(self) -> Needs:
        """One observation more than neighbours of each, not all of them copies."""
        return Needs(observations=self.params.k[-1] + 1, distinct=True)

    def measure(self, data: Dataset) -> Result:
        """Return the retained estimate, the estimate for each number of neighbours, and the local estimates."""
        params = self.params
        seen = self.draw_observations(data)
        table = neighbours_of(self.name, params, seen.data.x, params.k[-1])
        chosen = anchors(len(table.rows), params.anchor, params.runs, self.generator("anchors"))
        runs = np.array([mle_in_runs(table, k, chosen, params.aggregation, params.normaliser) for k in params.k])
        kept = retained(runs.mean(axis=1), params.tolerance)
        k = params.k[kept.position]
        labels = [str(each) for each in params.k]
        vectors = {"mle": Vector(runs.mean(axis=1), "k", labels)}
        if params.runs > 1:
            vectors["mle_deviation"] = Vector(runs.std(axis=1, ddof=1), "k", labels)
        return Result(
            scalars={
                "dimension": kept.estimate,
                "retained_k": k,
                "n_stable": kept.n_stable,
                **counts(table),
            },
            vectors=vectors,
            arrays={"local": local_of(table, k, params.normaliser), "rows": seen.rows[torch.from_numpy(table.rows)]},
        )

    def plot(self, result: Result) -> Figure:
        """Return estimates by number of neighbours, and a histogram of the local estimates."""
        from vaehub.plugins.intrinsic_dimension.plots import by_neighbours

        return by_neighbours(result)
