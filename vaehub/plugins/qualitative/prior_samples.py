"""Decoded draws from the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result, VaehubError
from vaehub.plugins.qualitative.kernels import fitted_gaussian_draws
from vaehub.plugins.qualitative.params import PriorSamplesParams
from vaehub.plugins.qualitative.subjects import decoded, require_decoder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SHOWN = 256
"""Draws in a picture at most; all of them are stored."""


@final
class PriorSamples(ModelMetric):
    """What draws from the prior decode to: observations that the model makes up.

    A plain autoencoder has learned no prior; what it calls one is a standard normal that its codes need not follow. The
    fitted density is for it, and also shows how far the means of a VAE are from the prior.
    """

    Params = PriorSamplesParams
    params: PriorSamplesParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model without a decoder or a prior to draw from, and a part that is not there."""
        require_decoder(model, metric="prior_samples")
        if self.params.density == "fitted":
            data.split(self.params.part)
            return
        try:
            model.prior_sample(1, self.generator("check", device=model.device))
        except VaehubError as error:
            raise VaehubError(
                f"metric 'prior_samples' draws from the prior: {error}; '-s metric.density=fitted' works for all"
            ) from error

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return draws and what they decode to."""
        z = self._draws(model, data).to(torch.float32)
        return Result(arrays={"z": z, "decoded": decoded(model, z)})

    def _draws(self, model: LatentModel, data: Dataset) -> Tensor:
        random = self.generator("prior", device=model.device)
        if self.params.density == "prior":
            return model.prior_sample(self.params.n, random)
        mu = model.encode_all(data.split(self.params.part)).mu
        return fitted_gaussian_draws(mu, torch.randn(self.params.n, mu.shape[1], generator=random, device=mu.device))

    def plot(self, result: Result) -> Figure:
        """Return a grid of what was decoded, as good as square; of the first ones, where there are many."""
        from vaehub.plugins.qualitative.pictures import tiled

        images = result.arrays["decoded"][:SHOWN]
        columns = math.ceil(math.sqrt(len(images)))
        source = "prior" if self.params.density == "prior" else "Gaussian fitted to the means"
        rows = [images[start : start + columns] for start in range(0, len(images), columns)]
        return tiled(rows, title=f"{len(images)} draws from the {source}")
