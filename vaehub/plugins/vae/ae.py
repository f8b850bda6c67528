"""The plain autoencoder."""

from typing import final

import torch
from torch import Tensor

from vaehub import Batch, DataSpec, LatentModel, Losses, Network, Posterior, Step, likelihood
from vaehub.plugins.vae.params import VaeParams


@final
class Ae(LatentModel):
    """Autoencoder trained by its reconstruction alone, without noise or prior: Hinton & Salakhutdinov 2006."""

    Params = VaeParams
    params: VaeParams
    n_statistics = 1

    def __init__(self, params: VaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.likelihood = likelihood(params, spec)

    def encode(self, batch: Batch) -> Posterior:
        """Return the codes, without a variance."""
        return Posterior(self.network.encoder(batch.x), None)

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction of codes."""
        return self.likelihood.mean(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term."""
        output = self.network.decoder(self.encode(batch).mu)
        reconstruction = self.likelihood.reconstruction(output, batch.x).mean()
        return Losses(reconstruction, {"reconstruction": reconstruction}, self.likelihood.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from a standard normal, which an autoencoder has not learned to decode: that shows."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
