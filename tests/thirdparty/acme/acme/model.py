"""A VAE with an L1 penalty on the posterior means."""

import torch
import vaehub
from vaehub import Field


class SparseVae(vaehub.LatentModel):
    """Squared error, divergence from a standard normal, and the penalty."""

    class Params(vaehub.ModelParams):
        penalty: float = Field(0.1, ge=0, description="weight of the L1 penalty")

    def encode(self, batch):
        return vaehub.Posterior.split(self.network.encoder(batch.x))

    def decode(self, z):
        return self.network.decoder(z).sigmoid()

    def loss(self, batch, step):
        posterior = self.encode(batch)
        mu, logvar = posterior.mu, posterior.logvar
        error = (self.decode(posterior.sample(step.generator)) - batch.x).square()
        reconstruction = error.flatten(1).sum(1).mean()
        kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1).mean()
        sparsity = mu.abs().sum(1).mean()
        total = reconstruction + kl + self.params.penalty * sparsity
        return vaehub.Losses(total, {"reconstruction": reconstruction, "kl": kl, "sparsity": sparsity})

    def prior_sample(self, n, generator):
        return torch.randn(n, self.latent_dim, generator=generator)
