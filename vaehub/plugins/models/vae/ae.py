"""The plain autoencoder."""

from typing import final

from vaehub import Autoencoder, Batch, Losses, Step
from vaehub.plugins.models.vae.params import VaeParams


@final
class Ae(Autoencoder[VaeParams]):
    """Autoencoder trained by its reconstruction alone, without noise or prior: Hinton & Salakhutdinov 2006.

    It has not learned to decode draws from the standard normal, which shows in its samples.
    """

    n_statistics = 1

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term."""
        reconstruction = self.reconstruction(self.encode(batch).mu, batch)
        return Losses(reconstruction, {"reconstruction": reconstruction}, self.likelihood.omitted)
