"""A VAE with an L1 penalty on the posterior means."""

import torch
import vaehub
from torch import Tensor
from vaehub import Batch, Field, Losses, Posterior, Step


class SparseVaeParams(vaehub.ModelParams):
    penalty: float = Field(0.1, ge=0, description="weight of the L1 penalty")


class SparseVae(vaehub.LatentModel[SparseVaeParams]):
    """Squared error, divergence from a standard normal, and the penalty."""

    def encode(self, batch: Batch) -> Posterior:
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        posterior = self.encode(batch)
        mu, logvar = posterior.mu, posterior.logvar
        assert logvar is not None
        error = (self.decode(posterior.sample(step.generator)) - batch.x).square()
        reconstruction = error.flatten(1).sum(1).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1).mean()
        sparsity = mu.abs().sum(1).mean()
        total = reconstruction + kl + self.params.penalty * sparsity
        return Losses(total, {"reconstruction": reconstruction, "kl": kl, "sparsity": sparsity})

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.latent_dim, generator=generator)
