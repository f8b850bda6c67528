"""The intervention analysis of a trained model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result, VaehubError, Vector
from vaehub.plugins.intervention.kernels import from_errors, intervention_errors
from vaehub.plugins.intervention.params import InterventionParams
from vaehub.plugins.intervention.spread import ratio_intervals, ratio_quartiles
from vaehub.plugins.intervention.subject import ERRORS, Subject, check_samples, check_structural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Intervention(ModelMetric):
    """How much of the error that sampling adds goes back to each latent: Müller et al. 2025, Eqs. 2.4 to 2.8.

    The text could be read as fresh noise for each intervention, and as a mean of ratios; the published table is that of
    one sample for all interventions on an observation, and of a ratio of means.
    """

    Params = InterventionParams
    params: InterventionParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models that do not sample, data that do not fit, and a threshold that no share can exceed."""
        check_samples("intervention", self.params, model, data)
        if self.params.error == "ssim":
            check_structural("intervention", data, instead="'-s metric.error=mse' takes any")
        if self.params.significance > model.latent_dim:
            raise VaehubError(
                f"metric 'intervention' was given significance {self.params.significance:g}, which for "
                f"{model.latent_dim} latents is a threshold above 1, the whole of what sampling adds; "
                f"set '-s metric.significance={model.latent_dim}' or less"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return errors, contributions and ratios, with their spread over observations."""
        subject = Subject.drawn(model, data, self.params, self.generator("rows"))
        errors = self._errors(model, subject).cpu()
        found = from_errors(errors.mean(dim=0))
        n, latent_dim = len(errors), model.latent_dim
        threshold = self.params.significance / latent_dim
        spread = errors[:, :2].std(dim=0) / n**0.5 if n > 1 else torch.full((2,), torch.nan)
        lower, median, upper = ratio_quartiles(errors)
        intervals, counts = self._intervals(errors, threshold)
        return Result(
            scalars={
                "recon_sample": float(found.sample_error),
                "recon_sample_se": float(spread[0]),
                "recon_mean": float(found.mean_error),
                "recon_mean_se": float(spread[1]),
                "recon_difference": float(found.base),
                "ratio_sum": float(found.ratios.sum()),
                "ratios_are_undefined": bool(found.ratios.isnan().any()),
                "significant_dims": _n_above(found.ratios, threshold),
                "threshold": threshold,
                "intervention_variance": float(found.intervention_error.var(correction=0)),
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
        """Return vectors and scalars of resampled observations, none if none are asked for."""
        if not self.params.n_bootstrap:
            return {}, {}
        random = self.generator("bootstrap")
        low, high, negative = ratio_intervals(errors, self.params.n_bootstrap, self.params.confidence, random)
        counts = {"significant_dims_bootstrap": _n_above(low, threshold), "negative_base_rate": negative}
        return {"ratio_low": Vector(low), "ratio_high": Vector(high)}, counts

    def _errors(self, model: LatentModel, subject: Subject) -> Tensor:
        """Return the errors of sample, mean and interventions, averaged over samples of one observation."""
        mu, sigma, error = subject.mu, subject.sigma, ERRORS[self.params.error]
        n, latent_dim = mu.shape
        random, more = (self.generator(purpose, device=mu.device) for purpose in ("noise", "fresh noise"))
        total = torch.zeros(n, 2 + latent_dim, dtype=torch.float64, device=mu.device)
        for _ in range(self.params.n_noise):
            eps = subject.noise(random)
            for at, x in subject.batches():
                own = None
                if self.params.noise == "fresh":
                    own = torch.randn(len(x), latent_dim, latent_dim, generator=more, device=mu.device)
                total[at] += intervention_errors(model.decode, mu[at], sigma[at], eps[at], x, own, error)
        return total / self.params.n_noise

    def plot(self, result: Result) -> Figure:
        """Return the ratios by latent, with their intervals and the threshold of significance."""
        from vaehub.plugins.intervention.pictures import axes_of

        vectors, threshold = result.vectors, result.scalars["threshold"]
        ratios = vectors["ratio"].values
        latents = range(len(ratios))
        figure, axes = axes_of([str(latent) for latent in latents])
        axes.bar(latents, ratios, color="tab:blue")
        if "ratio_low" in vectors:
            axes.vlines(latents, vectors["ratio_low"].values, vectors["ratio_high"].values, color="black", linewidth=1)
        axes.axhline(threshold, color="tab:red", linewidth=1)
        axes.set_xlabel("latent")
        axes.set_ylabel("share of what sampling adds")
        axes.set_title(_title(result), fontsize=10)
        return figure


def _n_above(ratios: Tensor, threshold: float) -> float:
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
