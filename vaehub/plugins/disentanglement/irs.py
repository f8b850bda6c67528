"""Interventional robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.kernels import irs_of, robustness
from vaehub.plugins.disentanglement.params import IrsParams
from vaehub.plugins.disentanglement.sample import Request, Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Irs(ModelMetric):
    """The interventional robustness score of Suter et al. 2019, as Locatello et al. 2019 compute it."""

    Params = IrsParams
    params: IrsParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without factors that vary, too few observations, and what the model has not."""
        self._request().check(model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and the robustness of each latent while each factor is held."""
        sample = Sample.drawn(self._request(), model, data)
        [codes], [classes], names = sample.codes, sample.classes, sample.scored.names
        matrix, deviation = robustness(codes, classes, self.params.quantile, self.params.bins)
        return Result(
            scalars={"irs": irs_of(matrix, deviation), "n_constant": int((deviation == 0).sum()), **sample.counts},
            tables={
                "robustness": sample.encoded.table(names, robustness=matrix),
                "latents": sample.encoded.latent_table(greatest_robustness=matrix.amax(dim=1), deviation=deviation),
                "factors": sample.scored.table(),
            },
        )

    def _request(self) -> Request:
        return Request("irs", self.params, self.params.n_samples, 0, 1, self.generator)

    def plot(self, result: Result) -> Figure:
        """Return the robustness of each latent while each factor is held."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"IRS {result.scalars['irs']:.3f}"
        return heat_map(result, "robustness", "robustness", title, "robustness", greatest=1)
