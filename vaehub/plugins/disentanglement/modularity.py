"""Modularity."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, latent_modularity, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.score import FactorScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Modularity(FactorScore[InformationParams]):
    """The modularity of Ridgeway & Mozer 2018, as Locatello et al. 2019 compute it."""

    n_varying = 2

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the modularity of each latent, their mean, and the information that they come from."""
        sample = self.sample(model, data)
        [codes], [classes], factors = sample.codes, sample.classes, sample.factors
        information = mutual_information(codes, classes, self.params.bins)
        found = latent_modularity(information)
        return Result(
            scalars={"modularity": float(found.mean()), **sample.counts},
            tables={
                "information": sample.latents.table(factors.names, mutual_information=information),
                "latents": sample.latents.latent_table(latent_modularity=found),
                "factors": factors.table(entropy=factor_entropy(classes)),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.plots import factor_map

        title = f"modularity {result.scalars['modularity']:.3f}"
        return factor_map(result, "information", "mutual_information", title, "mutual information, nats")
