"""Modularity."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, latent_modularity, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.score import Score, counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Modularity(Score[InformationParams]):
    """The modularity of Ridgeway & Mozer 2018, as Locatello et al. 2019 compute it."""

    n_varying = 2

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the modularity of each latent, their mean, and the information that they come from."""
        seen = self.draw_observations(data)
        factors, encoded = self.factors(seen.data), self.codes(model, seen, data)
        codes, classes = encoded.of_rows(slice(None), self.generator("noise")), factors.classes
        information = mutual_information(codes, classes, self.params.bins)
        found = latent_modularity(information)
        return Result(
            scalars={"modularity": float(found.mean()), "n_samples": seen.n, **counts(encoded, factors)},
            tables={
                "information": encoded.table(factors.names, mutual_information=information),
                "latents": encoded.latent_table(latent_modularity=found),
                "factors": factors.table(entropy=factor_entropy(classes)),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"modularity {result.scalars['modularity']:.3f}"
        return latents_by_factors(result, "information", "mutual_information", title, "mutual information, nats")
