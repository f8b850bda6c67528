"""VAE and beta-VAE."""

from abc import abstractmethod
from typing import final

import torch
from torch import Tensor

from vaehub import Batch, DataSpec, LatentModel, Losses, Network, Posterior, Step, likelihood
from vaehub.plugins.vae.kernels import kl_to_standard_normal
from vaehub.plugins.vae.params import BetaVaeParams, VaeParams


class StandardVae(LatentModel):
    """A Gaussian posterior, a standard normal prior, and a divergence that may be weighted."""

    Params = VaeParams
    params: VaeParams

    def __init__(self, params: VaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.likelihood = likelihood(params.likelihood, spec)

    @property
    @abstractmethod
    def beta(self) -> float:
        """Weight of the divergence."""

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x)."""
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z)."""
        return self.likelihood.mean(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus beta times the divergence, from one draw of z for each observation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        output = self.network.decoder(posterior.sample(step.generator))
        reconstruction = self.likelihood.reconstruction(output, batch.x).mean()
        kl = kl_to_standard_normal(posterior.mu, posterior.logvar).mean()
        parts = {"reconstruction": reconstruction, "kl": kl}
        return Losses(reconstruction + self.beta * kl, parts, self.likelihood.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)


@final
class Vae(StandardVae):
    """Variational autoencoder: Kingma & Welling 2014, Eq. 10 with one draw."""

    @property
    def beta(self) -> float:
        """Weight of the divergence."""
        return 1.0


@final
class BetaVae(StandardVae):
    """VAE whose divergence is weighted: Higgins et al. 2017, Eq. 4."""

    Params = BetaVaeParams
    params: BetaVaeParams

    @property
    def beta(self) -> float:
        """Weight of the divergence."""
        return self.params.beta
