"""The mutual information gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, gaps, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.score import Score, counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Mig(Score[InformationParams]):
    """The mutual information gap of Chen et al. 2018, with information from counts: Locatello et al. 2019."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the gap of each factor, their mean, and the information that they come from."""
        seen = self.draw_observations(data)
        factors, encoded = self.factors(seen.data), self.codes(model, seen, data)
        codes, classes = encoded.of_rows(slice(None), self.generator("noise")), factors.classes
        information, entropy = mutual_information(codes, classes, self.params.bins), factor_entropy(classes)
        gap = gaps(information, entropy)
        return Result(
            scalars={"mig": float(gap.mean()), "n_samples": seen.n, **counts(encoded, factors)},
            tables={
                "information": encoded.table(factors.names, mutual_information=information),
                "factors": factors.table(gap=gap, entropy=entropy),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"MIG {result.scalars['mig']:.3f}"
        return latents_by_factors(result, "information", "mutual_information", title, "mutual information, nats")
