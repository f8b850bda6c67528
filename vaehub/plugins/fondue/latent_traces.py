"""Total variance of representations."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.plugins.fondue.kernels import rounded_down, variances
from vaehub.plugins.fondue.params import LatentTracesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DECIMALS = 3
"""Kept of each variance where they are truncated: the reference code of FONDUE."""


@final
class LatentTraces(ModelMetric[LatentTracesParams]):
    """Traces of the covariances of the mean and the sampled representation: Bonheme 2023, Algorithm 1.

    The gap between them is the variance that noise adds: next to nothing for an active latent, 1 for a passive one.
    """

    needs = Needs(variances=True, observations=2)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both traces, the gap, and the variance of each latent in both representations."""
        sample = self.draw(model, data)
        decimals = DECIMALS if self.params.truncate else None
        of_mean = variances(sample.mu, decimals)
        if self.params.analytic:
            # The variance of z is that of its mean and, on average over noise, the mean posterior variance.
            of_sampled = variances(sample.mu) + sample.variance.mean(dim=0)
            of_sampled = of_sampled if decimals is None else rounded_down(of_sampled, decimals)
        else:
            of_sampled = variances(sample.z, decimals)
        trace_mean, trace_sampled = float(of_mean.sum()), float(of_sampled.sum())
        return Result(
            scalars={
                "trace_mean": trace_mean,
                "trace_sampled": trace_sampled,
                "gap": trace_sampled - trace_mean,
                "n_samples": sample.n,
            },
            vectors={"variance_mean": of_mean, "variance_sampled": of_sampled},
            arrays={"rows": sample.rows},
        )

    def plot(self, result: Result) -> Figure:
        """Return the variance of each latent in both representations, the greatest of the means first."""
        from vaehub.plugins.fondue.plots import plot_traces

        return plot_traces(result)
