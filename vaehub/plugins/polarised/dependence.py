"""How much latents depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Table
from vaehub.plugins.polarised.kernels import (
    LATENT_TYPES,
    effective_rank,
    is_constant,
    mutual_information_matrix,
    pair_mean,
    total_correlation,
)
from vaehub.plugins.polarised.latents import Latents
from vaehub.plugins.polarised.params import DependenceParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUBSETS = {
    "all": LATENT_TYPES,
    "without_passive": ("active", "mixed"),
    "without_mixed": ("active", "passive"),
    "without_active": ("mixed", "passive"),
    "active": ("active",),
    "mixed": ("mixed",),
    "passive": ("passive",),
}
"""Types of the latents in each subset."""


@final
class Dependence(ModelMetric[DependenceParams]):
    """How much latents depend on each other: Bonheme 2023, Section 6.4.2.

    The comparison of its Chapter 6: of the mean and the sampled representation of the same observations, for all
    latents and for those of some types. Subsets of fewer than two latents are left out.
    """

    needs = Needs(variances=True, latents=2, more_than_latents=True)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return a row for each representation and subset."""
        sample = self.draw(model, data)
        latents = Latents.of(model, sample, self.params)
        subsets = {name: np.flatnonzero(np.isin(latents.types, wanted)) for name, wanted in SUBSETS.items()}
        subsets = {name: some for name, some in subsets.items() if len(some) > 1}
        rows = {
            (representation, subset): values
            for representation, r in {"mean": sample.mu, "sampled": sample.z}.items()
            for subset, values in self._of(r, subsets).items()
        }
        keys = {"representation": [first for first, _ in rows], "subset": [second for _, second in rows]}
        columns = {name: [values[name] for values in rows.values()] for name in next(iter(rows.values()))}
        return Result(
            scalars=latents.scalars(),
            tables={"dependence": Table(keys, columns)},
            arrays={"rows": sample.rows},
        )

    def _of(self, r: Tensor, subsets: dict[str, NDArray[np.int64]]) -> dict[str, dict[str, float]]:
        """Return the quantities of each subset of the latents of a representation."""
        information = mutual_information_matrix(r, self.params.bins)
        found: dict[str, dict[str, float]] = {}
        for name, latents in subsets.items():
            some = r[:, latents]
            correlation = total_correlation(some)
            found[name] = {
                "total_correlation": correlation,
                "averaged_mutual_information": pair_mean(information[latents][:, latents]),
                "effective_rank": effective_rank(some, self.params.of),
                "n_latents": len(latents),
                "n_constant": int(is_constant(some).sum()),
                "is_singular": correlation == float("inf"),
            }
        return found

    def plot(self, result: Result) -> Figure:
        """Return bars of each quantity, by subset, for both representations."""
        from vaehub.plugins.polarised.plots import grouped_bars

        return grouped_bars(result)
