"""The kernel distance of samples from data."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.plugins.generation.feature_samples import FeatureSamples, needs_of, try_comparison
from vaehub.plugins.generation.kernels import kernel_distance
from vaehub.plugins.generation.params import KernelDistanceParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class KernelDistance(ModelMetric[KernelDistanceParams]):
    """How far samples are from data, by an unbiased kernel discrepancy of their features: Bińkowski et al. 2018.

    It is called KID if, and only if, the features are those of Inception, as published.
    """

    computes_much = True

    @property
    def needs(self) -> Needs:
        """A decoder and a prior, unless the samples come from elsewhere."""
        return needs_of(self.params)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse observations that the extractor cannot take, files of other samples, and too large subsets."""
        n, _ = try_comparison(self, model, data)
        if n < self.params.subset_size:
            raise DataError(
                f"metric {self.name!r} draws subsets of {self.params.subset_size}, and there are {n} of each side; "
                f"set '-s metric.subset_size={n // 2}' or so"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return mean and standard deviation over subsets, and the distance of each subset.

        Raises:
            WorkFailed: If a feature is NaN or infinite.
        """
        found = FeatureSamples.drawn(self, model, data)
        mean, sd, values = kernel_distance(
            found.samples,
            found.data,
            self.params.n_subsets,
            self.params.subset_size,
            self.params.degree,
            self.generator("subsets"),
        )
        scalars = {"kernel_distance": mean, "kernel_distance_sd": sd}
        if self.params.features == "inception":
            scalars["kid"] = mean
        return found.result(scalars, self.params, {"subset_distance": values})

    def plot(self, result: Result) -> Figure:
        """Return a histogram of the distances of subsets."""
        from vaehub.plugins.generation.plots import subsets

        return subsets(result, self.params.module or self.params.features)
