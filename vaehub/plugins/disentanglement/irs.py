"""Interventional robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import irs_of, robustness
from vaehub.plugins.disentanglement.params import IrsParams
from vaehub.plugins.disentanglement.score import FactorScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Irs(FactorScore[IrsParams]):
    """The interventional robustness score of Suter et al. 2019, as Locatello et al. 2019 compute it."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and the robustness of each latent while each factor is held."""
        sample = self.sample(model, data)
        [codes], [classes], names = sample.codes, sample.classes, sample.factors.names
        matrix, deviation = robustness(codes, classes, self.params.quantile, self.params.bins)
        return Result(
            scalars={"irs": irs_of(matrix, deviation), "n_constant": int((deviation == 0).sum()), **sample.counts},
            tables={
                "robustness": sample.latents.table(names, robustness=matrix),
                "latents": sample.latents.latent_table(greatest_robustness=matrix.amax(dim=1), deviation=deviation),
                "factors": sample.factors.table(),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the robustness of each latent while each factor is held."""
        from vaehub.plugins.disentanglement.plots import factor_map

        title = f"IRS {result.scalars['irs']:.3f}"
        return factor_map(result, "robustness", "robustness", title, "robustness", greatest=1)
