"""Precision and recall of samples with respect to data."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.plugins.generation.clusters import BETA
from vaehub.plugins.generation.feature_samples import FeatureSamples, needs_of, try_comparison
from vaehub.plugins.generation.kernels import best_f, knn_precision_recall, precision_recall_curve
from vaehub.plugins.generation.params import PrecisionRecallParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class PrecisionRecall(ModelMetric[PrecisionRecallParams]):
    """The share of samples that resemble data, and the share of the data that samples reach.

    By clusters, as a curve and its greatest F1/8 and F8 (Sajjadi et al. 2018, as Saha, Joshi & Whitaker 2025 use it),
    and by balls around nearest neighbours (Kynkäänniemi et al. 2019).
    """

    computes_much = True

    @property
    def needs(self) -> Needs:
        """A decoder and a prior, unless the samples come from elsewhere."""
        return needs_of(self.params)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse observations that the extractor cannot take, files of other samples, and too few for clusters."""
        n, _ = try_comparison(self, model, data)
        if 2 * n < self.params.n_clusters or n <= self.params.n_neighbours:
            raise DataError(
                f"metric {self.name!r} makes {self.params.n_clusters} clusters and looks for "
                f"{self.params.n_neighbours} neighbours, and there are {n} samples and as many observations; lower "
                "'-s metric.n_clusters' and '-s metric.n_neighbours', or take more"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return precision and recall by clusters and by neighbours, and the curve.

        Raises:
            WorkFailed: If a feature is NaN or infinite.
        """
        found = FeatureSamples.drawn(self, model, data)
        asked = self.params
        curve = precision_recall_curve(
            found.samples,
            found.data,
            asked.n_clusters,
            asked.n_angles,
            asked.n_clusterings,
            self.generator("clusters"),
        )
        balls = knn_precision_recall(found.samples, found.data, asked.n_neighbours)
        scalars = {
            "precision": best_f(*curve, beta=1 / BETA),
            "recall": best_f(*curve, beta=BETA),
            "knn_precision": balls.precision,
            "knn_recall": balls.recall,
        }
        arrays = {"precision_curve": curve.precision, "recall_curve": curve.recall}
        return found.result(scalars, self.params, arrays)

    def plot(self, result: Result) -> Figure:
        """Return precision against recall, with both pairs of values."""
        from vaehub.plugins.generation.plots import curve

        return curve(result, self.params.module or self.params.features)
