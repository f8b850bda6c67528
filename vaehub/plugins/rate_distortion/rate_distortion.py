"""Rate, distortion and the two terms of the rate of a trained model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Needs, Result, Step, VaehubError
from vaehub.analysis import PALETTE, in_double
from vaehub.plugins.rate_distortion.kernels import (
    aggregate_log_density,
    density_controls,
    gaussian_log_density,
    kl_between_gaussians,
    without_controls,
)
from vaehub.plugins.rate_distortion.params import RateDistortionParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_COMPARED = 256
"""Observations by which a prior that depends on them is recognised."""

N_FITTED = 3
"""Numbers fitted to the draws of mutual information: its mean, and two coefficients of control variates."""

CROWD = 2.0
"""The estimate of mutual information is at its bound where, by the geometric mean, fewer posteriors than this share the
place of a draw: then it says how many observations there are, and little of the model."""


@final
class RateDistortion(ModelMetric[RateDistortionParams]):
    """What a model spends on its latents and what it gets for it, in nats per observation.

    Alemi et al. 2018: rate is the divergence of q(z|x) from the prior, and distortion is -log p(x|z). The rate is the
    mutual information of x and z plus the divergence of the aggregate posterior q(z) from the prior: Bonheme 2023,
    Eq. 4.19. The rate is in closed form; mutual information is the mean of log q(z|x) - log q(z) over draws, with q(z)
    estimated as in Chen et al. 2018, less the noise of two control variates of known mean; what is left of the rate is
    the divergence of the aggregate posterior.
    """

    needs = Needs(
        variances=True,
        observations=2,
        instead={"variances": "the rate of a deterministic encoder is infinite; 'vae' has a finite one"},
    )

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models without a distortion, and priors that depend on what is known of observations."""
        some = self.draw_observations(data, N_COMPARED).data
        if any((each != each[0]).any() for each in model.prior_all(some)):
            raise VaehubError(
                f"metric {self.name!r} needs one prior for all observations, and the prior of this model depends on "
                "their labels or factors, so that its rate has no such terms; 'elbo' measures its divergence"
            )
        with torch.no_grad():
            found = model.eval().loss(some.to(model.device).batch(slice(0, 2)), self._step(model.device)).terms
        if "reconstruction" not in found:
            raise VaehubError(
                f"metric {self.name!r} needs a model whose loss has the term reconstruction, "
                f"and this one has {', '.join(found) or 'none'}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return rate, distortion, the two terms of the rate, and the bound that they make together."""
        n = self.draw_observations(data, "all").n
        sample = self.draw(model, data, self.params.n_batch)
        distortion = self._distortion(model, sample.data)
        mu, logvar = sample.mu, sample.logvar
        prior = (each.cpu().double() for each in model.prior_all(sample.data))
        rate = float(kl_between_gaussians(mu, logvar, *prior).mean())
        each = self._information(mu, logvar, n)
        information = float(each.mean())
        n_free = len(each) - N_FITTED
        spread = float((each - information).square().sum() / n_free) ** 0.5 if n_free > 0 else math.nan
        return Result(
            scalars={
                "rate": rate,
                "distortion": distortion,
                "elbo": -(rate + distortion),
                "mutual_information": information,
                "mutual_information_se": spread / len(each) ** 0.5,
                "marginal_kl": rate - information,
                "log_n": math.log(n),
                "is_at_bound": information > math.log(n) - math.log(CROWD),
                "n": n,
                "n_samples": sample.n,
            }
        )

    def _distortion(self, model: LatentModel, data: Dataset) -> float:
        data, step = data.to(model.device), self._step(model.device)
        total = in_double(torch.zeros((), device=model.device))
        for _ in range(self.params.n_draws):
            for batch in data.batches(EVALUATION_BATCH):
                losses = model.loss(batch, step)
                total += (in_double(losses.terms["reconstruction"]) + losses.omitted) * len(batch)
        return float(total) / (len(data) * self.params.n_draws)

    def _information(self, mu: Tensor, logvar: Tensor, n: int) -> Tensor:
        """Return log q(z|x) - log q(z) of each observation, less what is known to be noise, shape ``(n_batch,)``."""
        random = self.generator("draws")
        total, controls = mu.new_zeros(len(mu)), mu.new_zeros(len(mu), 2)
        for _ in range(self.params.n_draws):
            noise = torch.randn(mu.shape, generator=random, dtype=mu.dtype)
            z = mu + noise * (0.5 * logvar).exp()
            aggregate = aggregate_log_density(z, mu, logvar, n, self.params.estimator)
            total += gaussian_log_density(z, mu, logvar) - aggregate
            controls += density_controls(z, mu, logvar)
        return without_controls(total / self.params.n_draws, controls / self.params.n_draws)

    def _step(self, device: torch.device) -> Step:
        return Step(index=0, epoch=0, generator=self.generator("noise", device=device))

    def plot(self, result: Result) -> Figure:
        """Return the model in the plane, with the line of its bound and the two terms of its rate."""
        from vaehub.plugins.rate_distortion.plots import plane

        scalars = result.scalars
        figure, axes = plane([scalars["rate"]], [scalars["distortion"]])
        information, rate, distortion = (scalars[name] for name in ("mutual_information", "rate", "distortion"))
        axes.plot([0, information], [distortion] * 2, color=PALETTE[2], linewidth=3, label="mutual information")
        axes.plot([information, rate], [distortion] * 2, color=PALETTE[1], linewidth=3, label="KL of q(z) from prior")
        axes.scatter([rate], [distortion], s=45, color=PALETTE[0], zorder=3, label="this model")
        axes.legend(frameon=False, fontsize=8)
        if scalars["is_at_bound"]:
            axes.set_title("mutual information is at the bound of its estimate, log n", fontsize=10)
        return figure
