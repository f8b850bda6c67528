"""The mutual information gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, gaps, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.sample import Request, Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Mig(ModelMetric):
    """The mutual information gap of Chen et al. 2018, with information from counts: Locatello et al. 2019."""

    Params = InformationParams
    params: InformationParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without factors that vary, too few observations, and what the model has not."""
        self._request().check(model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the gap of each factor, their mean, and the information that they come from."""
        sample = Sample.drawn(self._request(), model, data)
        [codes], [classes], scored = sample.codes, sample.classes, sample.scored
        information, entropy = mutual_information(codes, classes, self.params.bins), factor_entropy(classes)
        gap = gaps(information, entropy)
        return Result(
            scalars={"mig": float(gap.mean()), **sample.counts},
            tables={
                "information": sample.encoded.table(scored.names, mutual_information=information),
                "factors": scored.table(gap=gap, entropy=entropy),
            },
        )

    def _request(self) -> Request:
        return Request("mig", self.params, self.params.n_samples, 0, 1, self.generator)

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"MIG {result.scalars['mig']:.3f}"
        return heat_map(result, "information", "mutual_information", title, "mutual information, nats")
