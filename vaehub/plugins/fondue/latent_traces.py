"""Total variance of representations."""

from __future__ import annotations

from typing import final

import torch

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.fondue.kernels import rounded_down, variances
from vaehub.plugins.fondue.params import LatentTracesParams
from vaehub.plugins.fondue.sampled import check_drawn, check_samples, drawn

DECIMALS = 3
"""Kept of each variance where they are truncated: the reference code of FONDUE."""


@final
class LatentTraces(ModelMetric):
    """Traces of the covariances of the mean and the sampled representation: Bonheme 2023, Algorithm 1.

    The gap between them is the variance that noise adds: next to nothing for an active latent, 1 for a passive one.
    """

    Params = LatentTracesParams
    params: LatentTracesParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models without posterior variances, and fewer than two observations."""
        check_drawn("latent_traces", self.params, data)
        check_samples("latent_traces", self.params, model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both traces, the gap, and the variance of each latent in both representations."""
        observations, rows = drawn(data, self.params, self.generator("rows"))
        posterior = model.encode_all(observations).checked()
        assert posterior.logvar is not None, "check() refused it"
        mu, variance = posterior.mu, posterior.logvar.exp()
        decimals = DECIMALS if self.params.truncate else None
        of_mean = variances(mu, decimals)
        if self.params.analytic:
            # The variance of z is that of its mean and, on average over noise, the mean posterior variance.
            of_sampled = variances(mu) + variance.mean(dim=0)
            of_sampled = of_sampled if decimals is None else rounded_down(of_sampled, decimals)
        else:
            noise = torch.randn(mu.shape, generator=self.generator("noise"), dtype=torch.float64)
            of_sampled = variances(mu + variance.sqrt() * noise, decimals)
        trace_mean, trace_sampled = float(of_mean.sum()), float(of_sampled.sum())
        return Result(
            scalars={
                "trace_mean": trace_mean,
                "trace_sampled": trace_sampled,
                "gap": trace_sampled - trace_mean,
                "n": len(mu),
            },
            vectors={"variance_mean": of_mean, "variance_sampled": of_sampled},
            arrays={"rows": rows},
        )
