"""The diversity that interventions cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.analysis import bars, new_figure
from vaehub.plugins.intervention.params import InterventionDiversityParams
from vaehub.plugins.intervention.posteriors import Posteriors, decoded
from vaehub.plugins.intervention.ssim import SIDE, mean_dissimilarity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class InterventionDiversity(ModelMetric[InterventionDiversityParams]):
    """How much less diverse decoded samples are once a latent is fixed to the same value in all of them.

    Diversity is defined as in Müller et al. 2025, Section 2.2, as the mean of 1 - SSIM over pairs of images, here over
    one decoded sample of each observation. All interventions change the same samples. Beyond the paper, which measures
    the diversity of data only.
    """

    needs = Needs(
        decoder=True,
        variances=True,
        observations=2,
        side=SIDE,
        instead=dict.fromkeys(("images", "side"), "'intervention' takes any"),
    )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the diversity of decoded samples, of decoded means, and of samples with one latent fixed."""
        posteriors = Posteriors.of(model, self.draw(model, data, ascending=False))
        mu = posteriors.mu
        target = mu if self.params.set_to == "posterior_mean" else torch.zeros_like(mu)
        random = self.generator("noise", device=mu.device)
        samples, intervened = 0.0, torch.zeros(model.latent_dim, dtype=torch.float64)
        for _ in range(self.params.n_noise):
            z = mu + posteriors.sigma * posteriors.noise(random)
            samples += _diversity(model, z)
            intervened += torch.tensor([_diversity(model, each) for each in _one_fixed(z, target)], dtype=torch.float64)
        samples, intervened = samples / self.params.n_noise, intervened / self.params.n_noise
        return Result(
            scalars={"diversity_sample": samples, "diversity_mean": _diversity(model, mu), "n_samples": len(mu)},
            vectors={"diversity_intervened": Vector(intervened), "diversity_cost": Vector(samples - intervened)},
        )

    def plot(self, result: Result) -> Figure:
        """Return the cost of each latent's intervention."""
        costs = result.vectors["diversity_cost"].values
        figure = new_figure(max(6.0, 0.22 * len(costs)), 3.6)
        axes = figure.subplots()
        bars(axes, costs, [str(latent) for latent in range(len(costs))])
        axes.axhline(0, color="black", linewidth=0.5)
        axes.set_xlabel("latent")
        axes.set_ylabel("diversity lost when it is fixed")
        axes.set_title(f"diversity of decoded samples: {result.scalars['diversity_sample']:.3g}", fontsize=10)
        return figure


def _one_fixed(z: Tensor, target: Tensor) -> list[Tensor]:
    """Return the samples once for each latent, with that latent at its target."""
    latents = torch.arange(z.shape[1], device=z.device)
    return [torch.where(latents == latent, target, z) for latent in latents]


def _diversity(model: LatentModel, z: Tensor) -> float:
    return mean_dissimilarity(decoded(model, z))
