"""Decoded draws from the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.analysis import decode
from vaehub.plugins.qualitative.kernels import fitted_gaussian_draws
from vaehub.plugins.qualitative.params import PriorSamplesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SHOWN = 256
"""Draws in a plot at most; all of them are stored."""
DENSITIES = {"prior": "prior", "standard_normal": "standard normal", "fitted": "Gaussian fitted to the means"}
"""What the picture calls them."""


@final
class PriorSamples(ModelMetric[PriorSamplesParams]):
    """Decoded draws from the prior: observations that the model generates.

    A plain autoencoder has no prior. The fitted density is meant for it, and also shows how far the posterior means of
    a VAE are from the prior; draws from a standard normal show what becomes of latents that an autoencoder never saw.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            decoder=True,
            prior=self.params.density == "prior",
            instead={"prior": "'-s metric.density=fitted' and '=standard_normal' work for all"},
        )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return draws and decoded draws."""
        z = self._draws(model, data).to(torch.float32)
        return Result(scalars={"n_samples": len(z)}, arrays={"z": z, "decoded": decode(model, z)})

    def _draws(self, model: LatentModel, data: Dataset) -> Tensor:
        random = self.generator("prior", device=model.device)
        if self.params.density == "prior":
            return model.prior_sample(self.params.n, random)
        if self.params.density == "standard_normal":
            return torch.randn(self.params.n, model.latent_dim, generator=random, device=model.device)
        mu = self.draw(model, data, "all").mu
        return fitted_gaussian_draws(mu, torch.randn(self.params.n, mu.shape[1], generator=self.generator("prior")))

    def plot(self, result: Result) -> Figure:
        """Return a nearly square grid of decoded draws; of the first ones, if there are many."""
        from vaehub.plugins.qualitative.plots import tiled

        images = result.arrays["decoded"][:SHOWN]
        columns = math.ceil(math.sqrt(len(images)))
        rows = [images[start : start + columns] for start in range(0, len(images), columns)]
        return tiled(rows, title=f"{len(images)} draws from the {DENSITIES[self.params.density]}")
