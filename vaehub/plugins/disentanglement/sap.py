"""Separated attribute predictability."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.kernels import separations, single_latent_accuracy, squared_correlation
from vaehub.plugins.disentanglement.params import SapParams
from vaehub.plugins.disentanglement.score import LearnedScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = {"discrete": "test accuracy of one latent", "continuous": "squared correlation"}
"""Label of the scores, by variant."""


@final
class Sap(LearnedScore[SapParams]):
    """The separated attribute predictability of Kumar et al. 2018, as Locatello et al. 2019 compute it."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the separation of each factor, their mean, and how well each latent by itself predicts each factor."""
        sets = self.sets(model, data)
        [train, test], [classes, test_classes], names = sets.codes, sets.classes, sets.factors.names
        if self.params.variant == "continuous":
            scores = squared_correlation(train, classes)
        else:
            scores = single_latent_accuracy(train, classes, test, test_classes)
        separation = separations(scores)
        return Result(
            scalars={"sap": float(separation.mean()), **sets.counts},
            tables={
                "scores": sets.encoded.table(names, score=scores),
                "factors": sets.factors.table(separation=separation),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return how well each latent by itself predicts each factor."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"SAP {result.scalars['sap']:.3f}"
        return latents_by_factors(result, "scores", "score", title, WORDS[self.params.variant], greatest=1)
