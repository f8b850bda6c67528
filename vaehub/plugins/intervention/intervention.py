"""The intervention analysis of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Result, VaehubError
from vaehub.plugins.intervention.kernels import from_errors, intervention_errors
from vaehub.plugins.intervention.params import InterventionParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Intervention(ModelMetric):
    """How much of the error that sampling adds goes back to each latent: Müller et al. 2025, Sections 2.4 and 2.5.

    The text could be read as fresh noise for each intervention, and as a mean of ratios; the published table is that of
    one sample for all interventions on an observation, and of a ratio of means.
    """

    Params = InterventionParams
    params: InterventionParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models without a decoder or a posterior variance, and too few observations."""
        part = data.part(self.params.part)
        if self.params.n_samples > len(part):
            raise DataError(
                f"metric 'intervention' averages over {self.params.n_samples} observations, and the part "
                f"{self.params.part!r} has {len(part)}; set '-s metric.n_samples={len(part)}' or less"
            )
        first = part.first(1)
        if not model.decodes or model.encode_all(first).logvar is None:
            raise VaehubError(
                "metric 'intervention' needs a model that samples its latents and decodes them, and this one does not; "
                "'vae' does"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return errors, contributions and ratios, with standard errors over observations."""
        part = data.part(self.params.part)
        rows = torch.randperm(len(part), generator=self.generator("rows"))[: self.params.n_samples]
        chosen = part.subset(rows)
        posterior = model.encode_all(chosen)
        assert posterior.logvar is not None, "check() refused it"
        errors = self._errors(model, posterior.mu, (0.5 * posterior.logvar).exp(), chosen)
        found = from_errors(errors.mean(dim=0))
        n, latent_dim = len(errors), model.latent_dim
        threshold = self.params.significance / latent_dim
        spread = errors[:, :2].std(dim=0) / n**0.5 if n > 1 else torch.full((2,), torch.nan)
        return Result(
            scalars={
                "recon_sample": float(found.sample_error),
                "recon_sample_se": float(spread[0]),
                "recon_mean": float(found.mean_error),
                "recon_mean_se": float(spread[1]),
                "recon_difference": float(found.base),
                "ratio_sum": float(found.ratios.sum()),
                "significant_dims": int((found.ratios > threshold).sum()),
                "threshold": threshold,
                "intervention_variance": float(found.intervention_error.var(correction=0)),
            },
            vectors={
                "ratio": found.ratios,
                "contribution": found.contributions,
                "intervention_error": found.intervention_error,
            },
        )

    def _errors(self, model: LatentModel, mu: Tensor, sigma: Tensor, data: Dataset) -> Tensor:
        random = self.generator("noise", device=mu.device)
        x = data.to(mu.device).x
        total = torch.zeros(len(mu), 2 + mu.shape[1], dtype=torch.float64, device=mu.device)
        for _ in range(self.params.n_noise):
            eps = torch.randn(mu.shape, generator=random, device=mu.device)
            own = None
            if self.params.noise == "fresh":
                own = torch.randn(*mu.shape, mu.shape[1], generator=random, device=mu.device)
            total += intervention_errors(model.decode, mu, sigma, eps, x, own)
        return total / self.params.n_noise

    def plot(self, result: Result) -> Figure:
        """Return the ratios by latent, with the threshold of significance."""
        from matplotlib.figure import Figure

        ratios, threshold = result.vectors["ratio"].values, result.scalars["threshold"]
        figure = Figure(figsize=(max(6.0, 0.22 * len(ratios)), 3.6), layout="constrained")
        axes = figure.subplots()
        axes.bar(range(len(ratios)), ratios, color="tab:blue")
        axes.set_xticks(range(len(ratios)), [str(latent) for latent in range(len(ratios))], rotation=90, fontsize=7)
        axes.axhline(threshold, color="tab:red", linewidth=1)
        axes.set_xlabel("latent")
        axes.set_ylabel("share of what sampling adds")
        n_significant = int(result.scalars["significant_dims"])
        axes.set_title(f"{n_significant} of {len(ratios)} latents above the threshold of {threshold:.3g} (line)")
        axes.spines[["top", "right"]].set_visible(False)
        return figure
