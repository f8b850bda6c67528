"""What all VAEs with a Gaussian posterior and a standard normal prior share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from vaehub import Batch, DataSpec, LatentModel, Losses, Network, Posterior, Step, likelihood
from vaehub.plugins.vae.kernels import kl_to_standard_normal
from vaehub.plugins.vae.params import VaeParams


class StandardVae(LatentModel):
    """A Gaussian posterior, a standard normal prior, and a regularisation that makes the difference."""

    Params = VaeParams
    params: VaeParams
    keeps_z: ClassVar[bool] = False
    """Whether the draws of a batch are kept, as ``z``, for opponents to learn from."""

    def __init__(self, params: VaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.likelihood = likelihood(params, spec)

    @abstractmethod
    def regularisation(
        self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return what is added to the reconstruction term, and its named terms besides the divergence.

        Args:
            kl: Divergence from the prior, a mean over the batch.
            posterior: Of the batch.
            z: One draw from it for each observation, shape ``(n, latent_dim)``.
            step: Where training stands.
        """

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x)."""
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z)."""
        return self.likelihood.mean(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus the regularisation, from one draw of z for each observation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        reconstruction = self.likelihood.reconstruction(self.network.decoder(z), batch.x).mean()
        kl = kl_to_standard_normal(posterior.mu, posterior.logvar).mean()
        added, terms = self.regularisation(kl, posterior, z, step)
        parts = {"reconstruction": reconstruction, "kl": kl, **terms}
        kept = {"z": z.detach()} if self.keeps_z else {}
        return Losses(reconstruction + added, parts, self.likelihood.omitted, kept)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
