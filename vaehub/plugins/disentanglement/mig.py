"""The mutual information gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import factor_entropy, gaps, mutual_information
from vaehub.plugins.disentanglement.params import InformationParams
from vaehub.plugins.disentanglement.score import FactorScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Mig(FactorScore[InformationParams]):
    """The mutual information gap of Chen et al. 2018, with information from counts: Locatello et al. 2019."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the gap of each factor, their mean, and the information that they come from."""
        sample = self.sample(model, data)
        [codes], [classes], factors = sample.codes, sample.classes, sample.factors
        information, entropy = mutual_information(codes, classes, self.params.bins), factor_entropy(classes)
        gap = gaps(information, entropy)
        return Result(
            scalars={"mig": float(gap.mean()), **sample.counts},
            tables={
                "information": sample.latents.table(factors.names, mutual_information=information),
                "factors": factors.table(gap=gap, entropy=entropy),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the mutual information of each latent with each factor."""
        from vaehub.plugins.disentanglement.plots import factor_map

        title = f"MIG {result.scalars['mig']:.3f}"
        return factor_map(result, "information", "mutual_information", title, "mutual information, nats")
