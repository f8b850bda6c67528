"""The scalars that both metrics of diversity report."""

from vaehub.plugins.diversity.kernels import Moments, interval
from vaehub.plugins.diversity.params import PairsParams


def pair_scalars(found: Moments, n: int, params: PairsParams) -> dict[str, float]:
    """Return the moments over all pairs of ``n`` observations, and the interval if there were resamplings."""
    scalars: dict[str, float] = {
        "n_samples": n,
        "n_pairs": n * (n - 1) // 2,
        "diversity": found.mean,
        "diversity_variance": found.variance,
    }
    if params.n_bootstrap:
        scalars["diversity_low"], scalars["diversity_high"] = interval(found.resampled, params.confidence)
    return scalars
