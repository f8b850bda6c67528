"""Interventional robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import irs_of, robustness
from vaehub.plugins.disentanglement.params import IrsParams
from vaehub.plugins.disentanglement.score import Score, counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Irs(Score[IrsParams]):
    """The interventional robustness score of Suter et al. 2019, as Locatello et al. 2019 compute it."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and the robustness of each latent while each factor is held."""
        seen = self.draw_observations(data)
        factors, encoded = self.factors(seen.data), self.codes(model, seen, data)
        codes, classes = encoded.of_rows(slice(None), self.generator("noise")), factors.classes
        matrix, deviation = robustness(codes, classes, self.params.quantile, self.params.bins)
        return Result(
            scalars={
                "irs": irs_of(matrix, deviation),
                "n_constant": int((deviation == 0).sum()),
                "n_samples": seen.n,
                **counts(encoded, factors),
            },
            tables={
                "robustness": encoded.table(factors.names, robustness=matrix),
                "latents": encoded.latent_table(greatest_robustness=matrix.amax(dim=1), deviation=deviation),
                "factors": factors.table(),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the robustness of each latent while each factor is held."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"IRS {result.scalars['irs']:.3f}"
        return latents_by_factors(result, "robustness", "robustness", title, "robustness", greatest=1)
