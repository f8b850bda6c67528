"""Modularity."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, latent_modularity, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.sample import Request, Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Modularity(ModelMetric):
    """The modularity of Ridgeway & Mozer 2018, as Locatello et al. 2019 compute it."""

    Params = InformationParams
    params: InformationParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without two factors that vary, too few observations, and what the model has not."""
        self._request().check(model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the modularity of each latent, their mean, and the information that they come from."""
        sample = Sample.drawn(self._request(), model, data)
        [codes], [classes], scored = sample.codes, sample.classes, sample.scored
        information = mutual_information(codes, classes, self.params.bins)
        found = latent_modularity(information)
        return Result(
            scalars={"modularity": float(found.mean()), **sample.counts},
            tables={
                "information": sample.encoded.table(scored.names, mutual_information=information),
                "latents": sample.encoded.latent_table(latent_modularity=found),
                "factors": scored.table(entropy=factor_entropy(classes)),
            },
        )

    def _request(self) -> Request:
        return Request("modularity", self.params, self.params.n_samples, 0, 2, self.generator)

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"modularity {result.scalars['modularity']:.3f}"
        return heat_map(result, "information", "mutual_information", title, "mutual information, nats")
