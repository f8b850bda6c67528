"""The Fréchet distance of samples from data."""

from typing import final

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.plugins.generation.feature_samples import FeatureSamples, needs_of, try_comparison
from vaehub.plugins.generation.kernels import frechet_terms
from vaehub.plugins.generation.params import FrechetDistanceParams


@final
class FrechetDistance(ModelMetric[FrechetDistanceParams]):
    """How far samples are from data, as Gaussians of their features: Heusel et al. 2017.

    It is called FID if, and only if, the features are those of Inception, as published; distances over other features
    cannot be compared with it, nor with each other.
    """

    computes_much = True

    @property
    def needs(self) -> Needs:
        """A decoder and a prior, unless the samples come from elsewhere."""
        return needs_of(self.params)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse observations that the extractor cannot take, files of other samples, and too few unless asked."""
        n, n_features = try_comparison(self, model, data)
        if n <= n_features and not self.params.few_samples:
            raise DataError(
                f"metric {self.name!r} has {n} samples of {n_features} features: with no more samples than "
                "features covariances are singular, and the distance is far too large, even that of two draws of one "
                "distribution; take more observations, or '--metric kernel_distance', which is unbiased, or set "
                "'-s metric.few_samples=true' to have it all the same"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the distance, its two terms, and whether samples are too few for the covariance of so many features.

        Raises:
            WorkFailed: If a feature is NaN or infinite.
        """
        found = FeatureSamples.drawn(self, model, data)
        terms = frechet_terms(found.samples, found.data)
        n, n_features = found.data.shape
        scalars = {
            "frechet_distance": sum(terms),
            "mean_term": terms.mean,
            "covariance_term": terms.covariance,
            "is_rank_deficient": n <= n_features,
        }
        if self.params.features == "inception":
            scalars["fid"] = sum(terms)
        return found.result(scalars, self.params)
