"""The intervention analysis of a trained model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, VaehubError, Vector
from vaehub.analysis import PALETTE, bars, in_double, new_figure
from vaehub.plugins.intervention.bootstrap import ratio_intervals, ratio_quartiles
from vaehub.plugins.intervention.kernels import from_errors, intervention_errors
from vaehub.plugins.intervention.params import ErrorParams, InterventionParams
from vaehub.plugins.intervention.posteriors import Posteriors
from vaehub.plugins.intervention.ssim import ERRORS, SIDE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Intervention(ModelMetric[InterventionParams]):
    """How much each latent contributes to the error that sampling adds: Müller et al. 2025, Eqs. 2.4 to 2.8.

    The text allows fresh noise for each intervention, and a mean of ratios; the published table is reproduced by one
    sample for all interventions on an observation, and by a ratio of means.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return error_needs(self.params)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a threshold that no ratio can exceed."""
        check_significance(self.name, self.params.significance, model.latent_dim)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return errors, contributions and ratios, with their variation over observations."""
        posteriors = Posteriors.of(model, self.draw(model, data, ascending=False))
        errors = self._errors(model, posteriors).cpu()
        found = from_errors(errors.mean(dim=0))
        n, latent_dim = len(errors), model.latent_dim
        threshold = self.params.significance / latent_dim
        standard_error = errors[:, :2].std(dim=0) / n**0.5 if n > 1 else torch.full((2,), torch.nan)
        lower, median, upper = ratio_quartiles(errors)
        intervals, counts = self._intervals(errors, threshold)
        return Result(
            scalars={
                "recon_sample": float(found.sample_error),
                "recon_sample_se": float(standard_error[0]),
                "recon_mean": float(found.mean_error),
                "recon_mean_se": float(standard_error[1]),
                "recon_difference": float(found.base),
                "ratio_sum": float(found.ratios.sum()),
                "ratios_are_undefined": bool(found.ratios.isnan().any()),
                "significant_dims": n_above(found.ratios, threshold),
                "threshold": threshold,
                "intervention_variance": float(found.intervention_error.var(correction=0)),
                "n_samples": n,
                **counts,
            },
            vectors={
                "ratio": Vector(found.ratios),
                "contribution": Vector(found.contributions),
                "intervention_error": Vector(found.intervention_error),
                "ratio_median": Vector(median),
                "ratio_lower_quartile": Vector(lower),
                "ratio_upper_quartile": Vector(upper),
                **intervals,
            },
        )

    def _intervals(self, errors: Tensor, threshold: float) -> tuple[dict[str, Vector], dict[str, float]]:
        """Return vectors and scalars of resampled observations; none without resampling."""
        if not self.params.n_bootstrap:
            return {}, {}
        random = self.generator("bootstrap")
        low, high, negative = ratio_intervals(errors, self.params.n_bootstrap, self.params.confidence, random)
        counts = {"significant_dims_bootstrap": n_above(low, threshold), "negative_base_rate": negative}
        return {"ratio_low": Vector(low), "ratio_high": Vector(high)}, counts

    def _errors(self, model: LatentModel, posteriors: Posteriors) -> Tensor:
        """Return the errors of sample, mean and interventions, averaged over samples of one observation."""
        mu, sigma, error = posteriors.mu, posteriors.sigma, ERRORS[self.params.error]
        n, latent_dim = mu.shape
        random, more = (self.generator(purpose, device=mu.device) for purpose in ("noise", "fresh noise"))
        total = in_double(torch.zeros(n, 2 + latent_dim, device=mu.device))
        for _ in range(self.params.n_noise):
            eps = posteriors.noise(random)
            for at, x in posteriors.batches():
                own = None
                if self.params.noise == "fresh":
                    own = torch.randn(len(x), latent_dim, latent_dim, generator=more, device=mu.device)
                total[at] += intervention_errors(model.decode, mu[at], sigma[at], eps[at], x, own, error)
        return total / self.params.n_noise

    def plot(self, result: Result) -> Figure:
        """Return the ratios by latent, with their intervals and the threshold of significance."""
        vectors, threshold = result.vectors, result.scalars["threshold"]
        ratios = vectors["ratio"].values
        latents = range(len(ratios))
        figure = new_figure(max(6.0, 0.22 * len(ratios)), 3.6)
        axes = figure.subplots()
        bars(axes, ratios, [str(latent) for latent in latents])
        if "ratio_low" in vectors:
            axes.vlines(latents, vectors["ratio_low"].values, vectors["ratio_high"].values, color="black", linewidth=1)
        axes.axhline(threshold, color=PALETTE[3], linewidth=1)
        axes.set_xlabel("latent")
        axes.set_ylabel("share of the error that sampling adds")
        axes.set_title(_title(result), fontsize=10)
        return figure


def error_needs(params: ErrorParams) -> Needs:
    """Return what metrics need that compare reconstructions with observations."""
    return Needs(
        decoder=True,
        variances=True,
        side=SIDE if params.error == "ssim" else 0,
        instead=dict.fromkeys(("images", "side"), "'-s metric.error=mse' takes any"),
    )


def check_significance(metric: str, significance: float, latent_dim: int) -> None:
    """Refuse a threshold that no ratio can exceed.

    Raises:
        VaehubError: If it is above 1, the sum of all ratios.
    """
    if significance > latent_dim:
        raise VaehubError(
            f"metric {metric!r} was given significance {significance:g}, which for "
            f"{latent_dim} latents is a threshold above 1, the sum of all ratios; "
            f"set '-s metric.significance={latent_dim}' or less"
        )


def n_above(ratios: Tensor, threshold: float) -> float:
    """Return how many ratios exceed the threshold; ``nan`` if they are undefined."""
    return float("nan") if ratios.isnan().any() else int((ratios > threshold).sum())


def _title(result: Result) -> str:
    if math.isnan(result.scalars["significant_dims"]):
        return "sampling adds nothing to the error: shares are undefined"
    if result.scalars["recon_difference"] < 0:
        return "sampling lowers the error: noise helps where shares are positive"
    n, n_latents = int(result.scalars["significant_dims"]), len(result.vectors["ratio"].values)
    title = f"{n} of {n_latents} latents above {result.scalars['threshold']:.3g} (line)"
    surely = result.scalars.get("significant_dims_bootstrap")
    return title if surely is None else f"{title}, {int(surely)} surely"
