"""Posteriors of some observations on a model's device, where noise is drawn and samples are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, LatentModel, Sample
from vaehub.analysis import in_double
from vaehub.plugins.intervention.kernels import Error, errors_at_mean


@dataclass(frozen=True)
class Posteriors:
    """Posteriors of some observations, in the model's precision.

    Attributes:
        model: The model that encoded them.
        sample: The observations, encoded.
        mu: Posterior means, shape ``(n, latent_dim)``, on the model's device.
        sigma: Posterior standard deviations, same shape.
    """

    model: LatentModel
    sample: Sample
    mu: Tensor
    sigma: Tensor

    @classmethod
    def of(cls, model: LatentModel, sample: Sample) -> Self:
        """Return the posteriors of encoded observations."""
        mu, logvar = (each.to(model.device, torch.float32) for each in (sample.mu, sample.logvar))
        return cls(model, sample, mu, (0.5 * logvar).exp())

    def noise(self, generator: torch.Generator) -> Tensor:
        """Return standard normal noise in the shape of the means; the generator is on their device."""
        return torch.randn(self.mu.shape, generator=generator, device=self.mu.device)

    def batches(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield rows and their observations, on the device of the means and on the scale of decoded means."""
        for start in range(0, len(self.mu), EVALUATION_BATCH):
            at = slice(start, start + EVALUATION_BATCH)
            yield at, self.model.comparable(self.sample.data.batch(at).x.to(self.mu.device))

    def draws(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Return ``n`` samples from the posterior of each observation, shape ``(n_observations, latent_dim)`` each."""
        return [self.mu + self.sigma * self.noise(generator) for _ in range(n)]

    def errors_of_sets(self, samples: Sequence[Tensor], is_set: Tensor, error: Error) -> Tensor:
        """Return the errors of samples with sets of latents at their means, averaged over observations and samples.

        Args:
            samples: From :meth:`draws`.
            is_set: The latents of each set, boolean, shape ``(k, latent_dim)``.
            error: Of reconstructions.

        Returns:
            Errors, float64, on the CPU, shape ``(k,)``.
        """
        is_set = is_set.to(self.mu.device)
        total = in_double(torch.zeros(len(is_set), device=self.mu.device))
        for at, x in self.batches():
            for z in samples:
                total += errors_at_mean(self.model.decode, self.mu[at], z[at, None], x, is_set, error).sum(dim=0)
        return total.cpu() / (len(self.mu) * len(samples))


def decoded(model: LatentModel, z: Tensor) -> Tensor:
    """Return what latents of shape ``(n, latent_dim)`` decode to, in chunks."""
    return torch.cat([model.decode(some) for some in torch.split(z, EVALUATION_BATCH)])
