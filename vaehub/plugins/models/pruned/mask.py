"""MaskAAE."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from vaehub import Adversary, Autoencoder, Batch, DataSpec, Losses, Network, Step
from vaehub.plugins.models.pruned.kernels import (
    doubling_interval,
    gradient_penalty,
    mask_of,
    masked_spread,
    polarisation,
    polarisation_weight,
    steps_to_move,
)
from vaehub.plugins.models.pruned.params import MaskAaeParams

LARGEST_START = 5.0
"""Initial weights of the mask are uniform between 0 and this: Mondal et al. 2020."""


@final
class MaskAae(Autoencoder[MaskAaeParams]):
    """MaskAAE: Mondal et al. 2020.

    Decoder and critic see codes times a learned mask in [0, 1). Each step trains, in this order, the autoencoder on the
    reconstruction and the spread of masked codes; the critic to distinguish masked codes from masked draws of the
    prior; the encoder to deceive it; and the mask on the reconstruction, the critic and its own polarisation.

    The reconstruction term is averaged over values in the paper and summed here, as everywhere; next to other terms it
    is divided by the number of values, so that the paper's weights hold.

    Schedules, the critic and the mask of an active latent are those of the released code, where the paper does not
    state them. That code draws a new batch for each of the four losses; here all of a step see the same observations,
    with fresh draws of the prior.
    """

    n_statistics = 1

    def __init__(self, params: MaskAaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.m = nn.Parameter(LARGEST_START * torch.rand(params.latent_dim))
        self.critic = _critic(params.latent_dim, params.critic_hidden)
        self._rate: float | None = None
        self._n_steps = 0

    @property
    def mask(self) -> Tensor:
        """The mask, shape ``(latent_dim,)``."""
        return mask_of(self.m)

    @property
    def active(self) -> Tensor:
        """Whether each latent has a mask of at least ``active_from``, shape ``(latent_dim,)``."""
        return self.mask.detach() >= self.params.active_from

    @property
    def chosen_latents(self) -> Tensor:
        """Whether the mask keeps each latent: those that are active."""
        return self.active

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

    def optimiser(self, learning_rate: float) -> Optimizer:
        """Return RMSprop over encoder and decoder, slower after the first steps."""
        weights = [*self.network.parameters(), *self.likelihood.parameters()]
        return self._slowed(RMSprop(weights, lr=learning_rate * self.params.fast_rate))

    def adversaries(self, learning_rate: float) -> Sequence[Adversary]:
        """Return the critic, the encoder that deceives it, and the mask, slower after the first steps."""
        self._rate = learning_rate
        critic = RMSprop(self.critic.parameters(), lr=learning_rate)
        encoder = RMSprop(self.network.encoder.parameters(), lr=learning_rate)
        mask = self._slowed(RMSprop([self.m], lr=learning_rate * self.params.fast_rate))
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
        interval = self.params.doubling_steps or doubling_interval(self.latent_dim)
        weight = polarisation_weight(step.index, self.latent_dim, interval)
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
        self._n_steps = step.index + 1

    def notes(self) -> Sequence[str]:
        """Return the number of latents that the mask keeps, and whether it had the steps to remove any of them."""
        n_active = int(self.active.sum())
        kept = f"{n_active} of {self.latent_dim} latents have a mask of {self.params.active_from:g} or more"
        # What the mask was trained with is known to the training alone, not to a model that was restored.
        if self._rate is None or self._n_steps >= (needed := self._steps_needed(self._rate)):
            return (kept,)
        return (
            f"{kept}, which {self._n_steps:,} steps are too few to decide: a mask moves by about its learning rate "
            f"a step, and a 'train.learning_rate' of {self._rate:g} takes {needed:,} steps to remove any latent",
        )

    def _steps_needed(self, learning_rate: float) -> int:
        """Return the steps in which the largest initial weight of a mask can fall to where a latent is not active."""
        distance = LARGEST_START + math.log1p(-self.params.active_from)
        rate = learning_rate * self.params.fast_rate
        return steps_to_move(distance, rate, self.params.slow_after, self.params.slow_factor)

    def _slowed(self, optimiser: Optimizer) -> Optimizer:
        """Return the optimiser, which divides its learning rate by ``slow_factor`` after ``slow_after`` steps."""
        after, factor = self.params.slow_after, self.params.slow_factor

        def count(optimiser: Optimizer, *_: object) -> None:
            for group in optimiser.param_groups:
                group["n_steps"] += 1
                if group["n_steps"] == after:
                    group["lr"] /= factor

        # Counted in the group, so that it is stored with the optimiser's state and a resumed training goes on with it.
        for group in optimiser.param_groups:
            group["n_steps"] = 0
        optimiser.register_step_post_hook(count)
        return optimiser

    def _masked(self, batch: Batch, step: Step) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            z = self.encode(batch).mu
        prior = torch.randn(z.shape, generator=step.generator, device=z.device, dtype=z.dtype)
        return z * self.mask, prior * self.mask


def _critic(latent_dim: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([latent_dim, *hidden]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear([latent_dim, *hidden][-1], 1))
