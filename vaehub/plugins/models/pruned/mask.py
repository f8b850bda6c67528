"""MaskAAE."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaehub import Adversary, Autoencoder, Batch, DataSpec, Losses, Network, Step
from vaehub.plugins.models.pruned.kernels import (
    gradient_penalty,
    mask_of,
    masked_spread,
    polarisation,
    polarisation_weight,
)
from vaehub.plugins.models.pruned.params import MaskAaeParams

LARGEST_START = 5.0
"""Initial weights of the mask are uniform between 0 and this: Mondal et al. 2021."""


@final
class MaskAae(Autoencoder[MaskAaeParams]):
    """MaskAAE: Mondal et al. 2021.

    Decoder and critic see codes times a learned mask in [0, 1). Each step trains, in this order, the autoencoder on the
    reconstruction and the spread of masked codes; the critic to distinguish masked codes from masked draws of the
    prior; the encoder to deceive it; and the mask on the reconstruction, the critic and its own polarisation.

    The reconstruction term is averaged over values in the paper and summed here, as everywhere; next to other terms it
    is divided by the number of values, so that the paper's weights hold. All steps of the critic see the same
    observations, with fresh draws of the prior.
    """

    n_statistics = 1

    def __init__(self, params: MaskAaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.m = nn.Parameter(LARGEST_START * torch.rand(params.latent_dim))
        self.critic = _critic(params.latent_dim, params.critic_hidden)

    @property
    def mask(self) -> Tensor:
        """The mask, shape ``(latent_dim,)``."""
        return mask_of(self.m)

    @property
    def active(self) -> Tensor:
        """Whether each latent has a mask above 1/2, shape ``(latent_dim,)``."""
        return self.mask.detach() > 0.5

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction of codes, masked here."""
        return self.likelihood.mean(self.network.decoder(z * self.mask.detach()))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term per value plus the weighted spread of masked codes."""
        z, a = self.encode(batch).mu, self.mask.detach()
        reconstruction = self.reconstruction(z * a, batch)
        spread = masked_spread(z, a)
        total = reconstruction / self.spec.n_values + self.params.spread_weight * spread
        terms = {"reconstruction": reconstruction, "masked_spread": spread, "n_active": self.active.sum()}
        return Losses(total, terms, self.likelihood.omitted)

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return RMSprop over encoder and decoder."""
        weights = [*self.network.parameters(), *self.likelihood.parameters()]
        return torch.optim.RMSprop(weights, lr=learning_rate * self.params.fast_rate)

    def adversaries(self, learning_rate: float) -> Sequence[Adversary]:
        """Return the critic, the encoder that deceives it, and the mask."""
        fast = learning_rate * self.params.fast_rate
        critic = torch.optim.RMSprop(self.critic.parameters(), lr=learning_rate)
        encoder = torch.optim.RMSprop(self.network.encoder.parameters(), lr=learning_rate)
        mask = torch.optim.RMSprop([self.m], lr=fast)
        return (
            Adversary("critic", critic, self.critic_loss, self.params.critic_steps),
            Adversary("encoder", encoder, self.encoder_loss),
            Adversary("mask", mask, self.mask_loss),
        )

    def critic_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return the Wasserstein loss of the critic plus its weighted gradient penalty."""
        with torch.no_grad():
            fake, real = self._masked(batch, step)
        wasserstein = self.critic(fake).mean() - self.critic(real).mean()
        penalty = gradient_penalty(self.critic, real, fake, step.generator)
        loss: Tensor = wasserstein + self.params.gradient_weight * penalty
        return loss

    def encoder_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return the encoder's adversarial loss: minus the critic's mean score of masked codes."""
        loss: Tensor = -self.critic(self.encode(batch).mu * self.mask.detach()).mean()
        return loss

    def mask_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return the mask's loss: reconstruction term, critic's distance and polarisation, weighted."""
        fake, real = self._masked(batch, step)
        reconstruction = self.reconstruction(fake, batch) / self.spec.n_values
        distance = self.critic(fake).mean() - self.critic(real).mean()
        weight = polarisation_weight(step.index, self.latent_dim, self.params.doubling_steps)
        loss: Tensor = (
            self.params.mask_reconstruction_weight * reconstruction
            + (1 - distance).square()
            + weight * polarisation(self.mask)
        )
        return loss

    @torch.no_grad()
    def step_ended(self, losses: Losses, step: Step) -> None:
        """Keep the weights of the mask at 0 or above."""
        self.m.clamp_(min=0)

    def notes(self) -> Sequence[str]:
        """Return the number of latents that the mask keeps."""
        return (f"{int(self.active.sum())} of {self.latent_dim} latents have a mask above 1/2",)

    def _masked(self, batch: Batch, step: Step) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            z = self.encode(batch).mu
        prior = torch.randn(z.shape, generator=step.generator, device=z.device, dtype=z.dtype)
        return z * self.mask, prior * self.mask


def _critic(latent_dim: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([latent_dim, *hidden]):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear([latent_dim, *hidden][-1], 1))
