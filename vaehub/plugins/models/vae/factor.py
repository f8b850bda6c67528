"""FactorVAE."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vaehub import Adversary, Batch, DataSpec, Losses, Network, Posterior, Step
from vaehub.plugins.models.vae.kernels import permuted_latents
from vaehub.plugins.models.vae.params import FactorVaeParams
from vaehub.plugins.models.vae.standard import StandardVae

REAL, PERMUTED = 0, 1
"""Classes of the discriminator: draws from the aggregate posterior, and from the product of its marginals."""

SLOPE = 0.2
"""Negative slope of the leaky ReLU: Kim & Mnih 2018, Appendix A."""

BETAS = (0.5, 0.9)
"""Decay rates of the discriminator's Adam: Kim & Mnih 2018, Appendix A."""


@final
class FactorVae(StandardVae):
    """VAE with a weighted total correlation: Kim & Mnih 2018, Algorithm 2.

    The total correlation is the log density ratio that a discriminator estimates for draws of z. After each step of the
    VAE, the discriminator learns to distinguish these draws from the same draws permuted latent by latent. The paper
    permutes the draws of a second batch; the code of Locatello et al. 2019, followed here, those of the same batch.
    """

    Params = FactorVaeParams
    params: FactorVaeParams
    keeps_z = True

    def __init__(self, params: FactorVaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.discriminator = _discriminator(params)

    def regularisation(
        self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the divergence plus gamma times the total correlation of the batch."""
        logits = self.discriminator(z)
        correlation = (logits[:, REAL] - logits[:, PERMUTED]).mean()
        return kl + self.params.gamma * correlation, {"total_correlation": correlation}

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return Adam over the weights of the VAE without the discriminator."""
        weights = [*self.network.parameters(), *self.likelihood.parameters()]
        return torch.optim.Adam(weights, lr=learning_rate, fused=True)

    def adversaries(self, learning_rate: float) -> Sequence[Adversary]:
        """Return the discriminator, with its own learning rate."""
        weights = self.discriminator.parameters()
        adam = torch.optim.Adam(weights, lr=self.params.discriminator_rate, betas=BETAS, fused=True)
        return (Adversary("discriminator", adam, self.discriminator_loss),)

    def discriminator_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return the cross-entropy of classifying draws and permuted draws, in nats; log 2 for guessing."""
        z = losses.kept["z"]
        logits = self.discriminator(torch.cat([z, permuted_latents(z, step.generator)]))
        classes = torch.full((len(logits),), PERMUTED, device=logits.device)
        classes[: len(z)] = REAL
        # Both halves have the same size, so that the mean over all is half the sum of their means.
        return cross_entropy(logits, classes)


def _discriminator(params: FactorVaeParams) -> nn.Sequential:
    widths = [params.latent_dim] + params.discriminator_layers * [params.discriminator_width]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 2))
