"""The plain autoencoder."""

from typing import final

import torch
from torch import Tensor

from vaehub import Autoencoder, Batch, Losses, Step, VaehubError
from vaehub.plugins.models.vae.params import VaeParams


@final
class Ae(Autoencoder[VaeParams]):
    """Autoencoder trained by its reconstruction alone, without noise or prior: Hinton & Salakhutdinov 2006."""

    n_statistics = 1

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term."""
        reconstruction = self.reconstruction(self.encode(batch).mu, batch)
        return Losses(reconstruction, {"reconstruction": reconstruction}, self.likelihood.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Refuse.

        Raises:
            VaehubError: Always.
        """
        raise VaehubError("model 'ae' has no prior to draw from")
