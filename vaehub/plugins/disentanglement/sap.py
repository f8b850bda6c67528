"""Separated attribute predictability."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.kernels import separations, single_latent_accuracy, squared_correlation
from vaehub.plugins.disentanglement.params import SapParams
from vaehub.plugins.disentanglement.sample import Request, Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = {"discrete": "test accuracy of one latent", "continuous": "squared correlation"}
"""What is compared between latents, by variant."""


@final
class Sap(ModelMetric):
    """The separated attribute predictability of Kumar et al. 2018, as Locatello et al. 2019 compute it."""

    Params = SapParams
    params: SapParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without factors that vary, too few observations, and what the model has not."""
        self._request().check(model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the separation of each factor, their mean, and what each latent by itself tells of each factor."""
        sample = Sample.drawn(self._request(), model, data)
        [train, test], [classes, test_classes], names = sample.codes, sample.classes, sample.scored.names
        if self.params.variant == "continuous":
            scores = squared_correlation(train, classes)
        else:
            scores = single_latent_accuracy(train, classes, test, test_classes)
        separation = separations(scores)
        return Result(
            scalars={"sap": float(separation.mean()), **sample.counts},
            tables={
                "scores": sample.encoded.table(names, score=scores),
                "factors": sample.scored.table(separation=separation),
            },
        )

    def _request(self) -> Request:
        return Request("sap", self.params, self.params.n_train, self.params.n_test, 1, self.generator)

    def plot(self, result: Result) -> Figure:
        """Return what each latent by itself tells of each factor."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"SAP {result.scalars['sap']:.3f}"
        return heat_map(result, "scores", "score", title, WORDS[self.params.variant], greatest=1)
