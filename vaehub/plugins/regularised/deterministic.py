"""What deterministic autoencoders share."""

from torch import Tensor

from vaehub import Batch, DataSpec, LatentModel, Network, Posterior, likelihood
from vaehub.plugins.regularised.params import RaeParams, WaeParams


class Deterministic(LatentModel):
    """An encoder that gives codes without variance, and a decoder."""

    params: RaeParams | WaeParams
    n_statistics = 1

    def __init__(self, params: RaeParams | WaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.likelihood = likelihood(params, spec)

    def encode(self, batch: Batch) -> Posterior:
        """Return the codes, without a variance."""
        return Posterior(self.network.encoder(batch.x), None)

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction of codes."""
        return self.likelihood.mean(self.network.decoder(z))

    def reconstruction(self, z: Tensor, batch: Batch) -> Tensor:
        """Return the reconstruction term of codes, a mean over the batch."""
        return self.likelihood.reconstruction(self.network.decoder(z), batch.x).mean()
