"""Base class of VAEs with a Gaussian posterior and a standard normal prior."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from vaehub import Autoencoder, Batch, Losses, Posterior, Step
from vaehub.plugins.models.vae.kernels import kl_to_standard_normal
from vaehub.plugins.models.vae.params import VaeParams


class StandardVae(Autoencoder[VaeParams]):
    """A VAE with a Gaussian posterior and a standard normal prior; subclasses differ in the regularisation."""

    keeps_z: ClassVar[bool] = False
    """Whether the draws of a batch are kept, as ``z``, for adversaries to learn from."""

    @abstractmethod
    def regularisation(
        self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the regularisation, added to the reconstruction term, and its named terms besides the divergence.

        Args:
            kl: Divergence from the prior, averaged over the batch.
            posterior: Posterior of the batch.
            z: One draw from the posterior of each observation, shape ``(n, latent_dim)``.
            step: State of the training.
        """

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus the regularisation, from one draw of z for each observation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        reconstruction = self.reconstruction(z, batch)
        kl = kl_to_standard_normal(posterior.mu, posterior.logvar).mean()
        added, others = self.regularisation(kl, posterior, z, step)
        terms = {"reconstruction": reconstruction, "kl": kl, **others}
        kept = {"z": z.detach()} if self.keeps_z else {}
        total = reconstruction + self.params.regularisation_weight * added
        return Losses(total, terms, self.likelihood.omitted, kept)
