"""Posteriors of some observations on a model's device, where noise is drawn and samples are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, LatentModel, Sample


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
