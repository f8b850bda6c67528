"""What all VAEs with a Gaussian posterior and a standard normal prior share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from vaehub import Autoencoder, Batch, Losses, Posterior, Step
from vaehub.plugins.models.vae.kernels import kl_to_standard_normal
from vaehub.plugins.models.vae.params import VaeParams


class StandardVae(Autoencoder[VaeParams]):
    """A Gaussian posterior, a standard normal prior, and a regularisation that makes the difference."""

    keeps_z: ClassVar[bool] = False
    """Whether the draws of a batch are kept, as ``z``, for adversaries to learn from."""

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

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus the regularisation, from one draw of z for each observation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        reconstruction = self.reconstruction(z, batch)
        kl = kl_to_standard_normal(posterior.mu, posterior.logvar).mean()
        added, terms = self.regularisation(kl, posterior, z, step)
        parts = {"reconstruction": reconstruction, "kl": kl, **terms}
        kept = {"z": z.detach()} if self.keeps_z else {}
        return Losses(reconstruction + added, parts, self.likelihood.omitted, kept)
