"""Rate, distortion and the two terms of the rate of a trained model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, DataError, Dataset, LatentModel, ModelMetric, Result, Step, VaehubError
from vaehub.plugins.rate_distortion.kernels import aggregate_log_density, gaussian_log_density, kl_between_gaussians
from vaehub.plugins.rate_distortion.params import RateDistortionParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_COMPARED = 256
"""Observations that tell whether the prior is the same for all."""

CROWD = 2.0
"""The estimate of mutual information is at its bound where, by the geometric mean, fewer posteriors than this share the
place of a draw: then it says how many observations there are, and little of the model."""


@final
class RateDistortion(ModelMetric):
    """What a model spends on its latents and what it gets for it, in nats per observation.

    Alemi et al. 2018: rate is the divergence of q(z|x) from the prior, and distortion is -log p(x|z). The rate is the
    mutual information of x and z plus the divergence of the aggregate posterior q(z) from the prior: Bonheme 2023,
    Eq. 4.19. The rate is in closed form; mutual information is the mean of log q(z|x) - log q(z) over draws, with q(z)
    estimated as in Chen et al. 2018; what is left of the rate is the divergence of the aggregate posterior.
    """

    Params = RateDistortionParams
    params: RateDistortionParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without the part, models without variances or distortion, and priors that depend on x."""
        part = data.split(self.params.part)
        if len(part) < 2:
            raise DataError(
                f"metric 'rate_distortion' needs 2 observations, and the split {self.params.part!r} has {len(part)}; "
                "'-s metric.part=all' takes all"
            )
        some = part.subset(torch.arange(min(N_COMPARED, len(part))))
        if model.encode_all(some).logvar is None:
            raise VaehubError(
                "metric 'rate_distortion' needs a model with posterior variances, and this one has none: its rate is "
                "infinite; 'vae' has"
            )
        if any((each != each[0]).any() for each in model.prior_all(some)):
            raise VaehubError(
                "metric 'rate_distortion' needs one prior for all observations, and that of this model depends on what "
                "is known of them, so that its rate has no such terms; 'elbo' measures its divergence"
            )
        with torch.no_grad():
            found = model.eval().loss(some.to(model.device).batch(slice(0, 2)), self._step(model.device)).terms
        if "reconstruction" not in found:
            raise VaehubError(
                "metric 'rate_distortion' needs a model whose loss has the part reconstruction, "
                f"and this one has {', '.join(found) or 'none'}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return rate, distortion, the two terms of the rate, and the bound that they make together."""
        part = data.split(self.params.part)
        n = len(part)
        rows = part.draw_rows(self.params.n_batch, self.generator("rows"))
        batch = part if len(rows) == n else part.subset(rows)
        distortion = self._distortion(model, batch)
        posterior = model.encode_all(batch)
        assert posterior.logvar is not None, "check() refused it"
        mu, logvar = posterior.mu.double(), posterior.logvar.double()
        prior = (each.double() for each in model.prior_all(batch))
        rate = float(kl_between_gaussians(mu, logvar, *prior).mean())
        each = self._information(mu, logvar, n)
        information = float(each.mean())
        return Result(
            scalars={
                "rate": rate,
                "distortion": distortion,
                "elbo": -(rate + distortion),
                "mutual_information": information,
                "mutual_information_se": float(each.std()) / len(each) ** 0.5,
                "marginal_kl": rate - information,
                "log_n": math.log(n),
                "is_at_bound": information > math.log(n) - math.log(CROWD),
                "n": n,
                "n_batch": len(rows),
            }
        )

    def _distortion(self, model: LatentModel, data: Dataset) -> float:
        data, step = data.to(model.device), self._step(model.device)
        total = torch.zeros((), dtype=torch.float64, device=model.device)
        for _ in range(self.params.n_draws):
            for batch in data.batches(EVALUATION_BATCH):
                losses = model.loss(batch, step)
                total += (losses.terms["reconstruction"].double() + losses.omitted) * len(batch)
        return float(total) / (len(data) * self.params.n_draws)

    def _information(self, mu: Tensor, logvar: Tensor, n: int) -> Tensor:
        """Return log q(z|x) - log q(z) of each observation, averaged over draws, shape ``(n_batch,)``."""
        random = self.generator("draws", device=mu.device)
        total = torch.zeros(len(mu), dtype=mu.dtype, device=mu.device)
        for _ in range(self.params.n_draws):
            noise = torch.randn(mu.shape, generator=random, dtype=mu.dtype, device=mu.device)
            z = mu + noise * (0.5 * logvar).exp()
            aggregate = aggregate_log_density(z, mu, logvar, n, self.params.estimator)
            total += gaussian_log_density(z, mu, logvar) - aggregate
        return total / self.params.n_draws

    def _step(self, device: torch.device | str = "cpu") -> Step:
        return Step(index=0, epoch=0, generator=self.generator("noise", device=device))

    def plot(self, result: Result) -> Figure:
        """Return the model on the plane, with the line of its bound and the two terms of its rate."""
        from vaehub.plugins.rate_distortion.pictures import plane

        scalars = result.scalars
        figure, axes = plane([scalars["rate"]], [scalars["distortion"]])
        information, rate, distortion = (scalars[name] for name in ("mutual_information", "rate", "distortion"))
        axes.plot([0, information], [distortion] * 2, color="tab:green", linewidth=3, label="mutual information")
        axes.plot([information, rate], [distortion] * 2, color="tab:orange", linewidth=3, label="KL of q(z) from prior")
        axes.scatter([rate], [distortion], s=45, color="tab:blue", zorder=3, label="this model")
        axes.legend(frameon=False, fontsize=8)
        if scalars["is_at_bound"]:
            axes.set_title("mutual information is at the bound of its estimate, log n", fontsize=10)
        return figure
