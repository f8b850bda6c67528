"""The Wasserstein autoencoder with an MMD penalty."""

from typing import final

import torch

from vaehub import Autoencoder, Batch, Losses, Step
from vaehub.plugins.models.regularised.kernels import mmd2_imq
from vaehub.plugins.models.regularised.params import WaeParams


@final
class Wae(Autoencoder[WaeParams]):
    """WAE-MMD: Tolstikhin et al. 2018, Eq. 4 and Algorithm 2, with a deterministic encoder."""

    n_statistics = 1

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the weighted sum of the reconstruction term and the discrepancy from as many draws of the prior."""
        z = self.encode(batch).mu
        prior = torch.randn(z.shape, generator=step.generator, device=z.device, dtype=z.dtype)
        reconstruction, mmd2 = self.reconstruction(z, batch), mmd2_imq(prior, z)
        total = self.params.reconstruction_weight * reconstruction + self.params.mmd_weight * mmd2
        return Losses(total, {"reconstruction": reconstruction, "mmd2": mmd2}, self.likelihood.omitted)
