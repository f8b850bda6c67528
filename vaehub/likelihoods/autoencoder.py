"""Base class of most objectives: the network's encoder and decoder, and a likelihood."""

from __future__ import annotations

import torch
from torch import Tensor

from vaehub.core.data.dataset import Batch, Dataset, DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.model import LatentModel, Posterior
from vaehub.core.network import Network
from vaehub.core.params import COUNT_LIKELIHOODS, L_co, LikelihoodParams
from vaehub.likelihoods.selection import likelihood


class Autoencoder(LatentModel[L_co]):
    """A model whose posterior and likelihood are parameterised by the network's encoder and decoder.

    An objective derives from it, defines its ``loss``, and overrides whatever differs. One that calls the network's
    encoder itself passes ``self.likelihood.encoder_input(x)``; one that overrides ``training_started`` calls it too.
    """

    Params = LikelihoodParams

    def __init__(self, params: L_co, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.likelihood = likelihood(params, spec)
        if network.gives_means and params.likelihood in COUNT_LIKELIHOODS:
            raise VaehubError(
                f"the likelihood {params.likelihood!r} takes the softmax of the decoder's output, and this network's "
                "decoder is said to give means; if it does not, '-s network.output=logits' says so"
            )

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x), or codes without a variance if the encoder has one output per latent."""
        statistics = self.network.encoder(self.likelihood.encoder_input(batch.x))
        return Posterior(statistics, None) if self.n_statistics == 1 else Posterior.split(statistics)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z)."""
        return self.likelihood.mean(self.network.decoder(z))

    def comparable(self, x: Tensor) -> Tensor:
        """Return observations on the scale of :meth:`decode`."""
        return self.likelihood.comparable(x)

    def training_started(self, train: Dataset) -> None:
        """Let the likelihood set what it takes from the training split."""
        self.likelihood.prepare(train)

    def reconstruction(self, z: Tensor, batch: Batch) -> Tensor:
        """Return -log p(x|z) without its constant, in nats, averaged over the batch."""
        return self.likelihood.reconstruction(self.network.decoder(z), batch.x).mean()

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
