"""The ARD-VAE."""

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from vaehub import Autoencoder, Batch, Dataset, DataSpec, Epoch, Losses, Network, Step, VaehubError
from vaehub.plugins.ard.kernels import (
    MINIMUM_VARIANCE,
    kl_to_gaussian,
    kl_to_student_t,
    latent_relevance,
    n_relevant,
    precision_posterior,
)
from vaehub.plugins.ard.params import ArdParams

COUNTED_ON = 100
"""Observations over which relevance is averaged while a training waits for its number of latents to converge."""


@final
class ArdVae(Autoencoder[ArdParams]):
    """A VAE whose prior is a zero-mean Gaussian, or Student t, with a variance for each latent learned from the data.

    Saha, Joshi & Whitaker 2025, Algorithms 1 and 2. In each epoch a random subset X_alpha of the training observations
    is held back; it is encoded once, before the first step, and its codes set the prior that the rest of the epoch
    learns under. The prior lags behind the encoder on purpose and carries no gradient.

    Two points are settled here that the paper leaves open: small datasets hold back a share instead of a number, and
    the prior is estimated once more when training has ended, so that it belongs to the weights that are kept.
    """

    prior_variance: Tensor
    prior_a: Tensor
    n_alpha_used: Tensor
    n_train: Tensor

    def __init__(self, params: ArdParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        # Buffers, so that they are stored with the weights and move with them.
        self.register_buffer("prior_variance", torch.ones(params.latent_dim))
        self.register_buffer("prior_a", torch.tensor(0.5))
        self.register_buffer("n_alpha_used", torch.tensor(0))
        self.register_buffer("n_train", torch.tensor(0))

    @property
    def learned_prior_variance(self) -> Tensor:
        """Estimated variance of each latent, b / a."""
        return self.prior_variance

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus beta times the divergence from the learned prior (Eq. 17, or 14)."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        reconstruction = self.reconstruction(z, batch)
        if self.params.prior == "gaussian":
            kl = kl_to_gaussian(posterior.mu, posterior.logvar, self.prior_variance).mean()
        else:
            degrees, scale = 2 * float(self.prior_a), self.prior_variance.sqrt()
            kl = kl_to_student_t(posterior.logvar, z, degrees, scale).mean()
        terms = {"reconstruction": reconstruction, "kl": kl}
        return Losses(reconstruction + self.params.beta * kl, terms, self.likelihood.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the Gaussian of the estimated variance."""
        noise = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        return noise * self.prior_variance.sqrt()

    def epoch_started(self, epoch: Epoch) -> Tensor:
        """Hold X_alpha back, set the prior from its codes, and return the rest (Algorithm 1)."""
        alpha, rest = self._split(epoch)
        if epoch.index % self.params.update_every == 0:
            self._set_prior(epoch, alpha)
        return rest

    def training_ended(self, epoch: Epoch) -> None:
        """Set the prior once more, from the encoder as it is now."""
        self._set_prior(epoch, self._split(epoch)[0])

    @property
    def counts_selected_latents(self) -> bool:
        """It does: those that are active."""
        return True

    def n_selected_latents(self, train: Dataset, generator: torch.Generator) -> int:
        """Return the number of active latents at 99 %, by Eqs. 19 and 20."""
        return n_relevant(latent_relevance(self, train, COUNTED_ON, generator))

    def notes(self) -> Sequence[str]:
        """Say how many observations the prior was estimated from, where it is not the number asked for."""
        used, n = int(self.n_alpha_used), int(self.n_train)
        if used == self.params.n_alpha:
            return ()
        return (
            f"the prior was estimated from {used} observations, {self.params.alpha_share:.0%} of the training split, "
            f"because {n} are fewer than twice {self.params.n_alpha}",
        )

    def _split(self, epoch: Epoch) -> tuple[Tensor, Tensor]:
        n = len(epoch.data)
        if n < 2:
            raise VaehubError(f"model 'ard' needs at least 2 training observations, got {n}")
        wanted = self.params.n_alpha
        n_alpha = wanted if n >= 2 * wanted else min(math.ceil(self.params.alpha_share * n), n - 1)
        order = torch.randperm(n, generator=epoch.generator, device=self.device)
        return order[:n_alpha], order[n_alpha:]

    def _set_prior(self, epoch: Epoch, rows: Tensor) -> None:
        z = self.encode_all(epoch.data.subset(rows)).sample(epoch.generator)
        a, b = precision_posterior(z)
        self.prior_a.copy_(a)
        self.prior_variance.copy_((b / a).clamp_min(MINIMUM_VARIANCE))
        self.n_alpha_used.fill_(len(rows))
        self.n_train.fill_(len(epoch.data))
