"""Which latents go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Table, Vector
from vaehub.plugins.polarised.kernels import correlation, covariance, is_constant, n_correlated, wasserstein_correlation
from vaehub.plugins.polarised.latents import Latents
from vaehub.plugins.polarised.params import LatentCorrelationParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentCorrelation(ModelMetric[LatentCorrelationParams]):
    """The correlation of each pair of latents: Bonheme 2023, Section 6.5 and Figures 6.9 to 6.11."""

    needs = Needs(variances=True, latents=2, more_than_latents=True)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return matrices, the correlation of each pair, and how many others each latent is correlated with."""
        sample = self.draw(model, data)
        latents = Latents.of(model, sample, self.params)
        representations = {"mean": sample.mu, "sampled": sample.z}
        matrices = {name: correlation(r) for name, r in representations.items()}
        n_others = {name: n_correlated(matrix, self.params.threshold) for name, matrix in matrices.items()}
        columns: dict[str, list[float]] = {
            # Each pair was counted from both sides.
            "n_correlated_pairs": [float(found.nansum()) / 2 for found in n_others.values()],
            "wasserstein_correlation": [wasserstein_correlation(r) for r in representations.values()],
            "covariance_trace": [float(covariance(r).trace()) for r in representations.values()],
            "n_constant": [int(is_constant(r).sum()) for r in representations.values()],
        }
        return Result(
            scalars=latents.scalars(),
            vectors={
                "type": latents.type_vector(),
                **{f"n_correlated_{name}": Vector(found) for name, found in n_others.items()},
            },
            tables={
                "representations": Table({"representation": list(representations)}, columns),
                **self._pairs(matrices),
            },
            arrays={"rows": sample.rows, **{f"correlation_{name}": matrix for name, matrix in matrices.items()}},
        )

    def _pairs(self, matrices: Mapping[str, Tensor]) -> dict[str, Table]:
        """Return the correlation of each pair, once: a matrix of many latents would fill the database."""
        n = len(next(iter(matrices.values())))
        if n > self.params.pairs_up_to:
            return {}
        first, second = torch.triu_indices(n, n, offset=1)
        keys = {
            "representation": np.repeat([*matrices], len(first)).tolist(),
            "latent": first.tolist() * len(matrices),
            "other": second.tolist() * len(matrices),
        }
        values = torch.cat([matrix[first, second] for matrix in matrices.values()])
        return {"pairs": Table(keys, {"correlation": values})}

    def plot(self, result: Result) -> Figure:
        """Return both matrices, active latents first."""
        from vaehub.plugins.polarised.plots import heat_maps

        return heat_maps(result, self.params.threshold)
