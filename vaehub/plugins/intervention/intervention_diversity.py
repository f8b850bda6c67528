"""The diversity that interventions cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Result, Vector
from vaehub.plugins.intervention.params import InterventionDiversityParams
from vaehub.plugins.intervention.ssim import mean_dissimilarity
from vaehub.plugins.intervention.subject import Subject, check_samples, check_structural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class InterventionDiversity(ModelMetric):
    """How much less varied decoded samples are once a latent is set to the same value in all of them.

    Diversity is that of Müller et al. 2025, Section 2.2, the mean of 1 - SSIM over pairs of images: here of one decoded
    sample for each of some observations. All interventions change the same samples. Beyond the paper, which measures
    the diversity of data alone.
    """

    Params = InterventionDiversityParams
    params: InterventionDiversityParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models that do not sample, and data that are no images of the window's size."""
        check_samples("intervention_diversity", self.params, model, data)
        check_structural("intervention_diversity", data, instead="'intervention' takes any")

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the diversity of decoded samples, of decoded means, and of samples with one latent set."""
        subject = Subject.drawn(model, data, self.params, self.generator("rows"))
        mu = subject.mu
        target = mu if self.params.set_to == "posterior_mean" else torch.zeros_like(mu)
        random = self.generator("noise", device=mu.device)
        samples, intervened = 0.0, torch.zeros(model.latent_dim, dtype=torch.float64)
        for _ in range(self.params.n_noise):
            z = mu + subject.sigma * subject.noise(random)
            samples += _diversity(model, z)
            intervened += torch.tensor([_diversity(model, each) for each in _one_set(z, target)], dtype=torch.float64)
        samples, intervened = samples / self.params.n_noise, intervened / self.params.n_noise
        return Result(
            scalars={"diversity_sample": samples, "diversity_mean": _diversity(model, mu)},
            vectors={"diversity_intervened": Vector(intervened), "diversity_cost": Vector(samples - intervened)},
        )

    def plot(self, result: Result) -> Figure:
        """Return the cost of each latent's intervention."""
        from vaehub.plugins.intervention.pictures import axes_of

        costs = result.vectors["diversity_cost"].values
        figure, axes = axes_of([str(latent) for latent in range(len(costs))])
        axes.bar(range(len(costs)), costs, color="tab:blue")
        axes.axhline(0, color="black", linewidth=0.5)
        axes.set_xlabel("latent")
        axes.set_ylabel("diversity lost when it is set")
        axes.set_title(f"decoded samples have a diversity of {result.scalars['diversity_sample']:.3g}", fontsize=10)
        return figure


def _one_set(z: Tensor, target: Tensor) -> list[Tensor]:
    """Return samples with one latent after the other at its target."""
    latents = torch.arange(z.shape[1], device=z.device)
    return [torch.where(latents == latent, target, z) for latent in latents]


def _diversity(model: LatentModel, z: Tensor) -> float:
    return mean_dissimilarity(torch.cat([model.decode(some) for some in torch.split(z, EVALUATION_BATCH)]))
