"""Latent-variable models: a learning objective on top of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from vaehub.core.data.dataset import Batch, Dataset, DataSpec
from vaehub.core.errors import VaehubError, WorkFailed, described
from vaehub.core.network import Network
from vaehub.core.params import M_co, ModelParams, Parametrised
from vaehub.core.random import gaussian_sample

EVALUATION_BATCH = 1024
"""Batch size outside training; bounds memory, changes no result."""


@dataclass(frozen=True)
class Posterior:
    """A Gaussian q(z|x) for each observation.

    Attributes:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape; ``None`` for a deterministic encoder.
    """

    mu: Tensor
    logvar: Tensor | None

    @classmethod
    def split(cls, statistics: Tensor) -> Self:
        """Return the posterior from concatenated means and log variances, shape ``(n, 2 * latent_dim)``."""
        mu, logvar = statistics.chunk(2, dim=1)
        return cls(mu, logvar)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Return one reparameterised draw for each observation; the code itself if the encoder is deterministic."""
        return self.mu if self.logvar is None else gaussian_sample(self.mu, self.logvar, generator)

    def checked(self) -> Posterior:
        """Return the same posterior on the CPU in double precision, for statistics.

        Raises:
            WorkFailed: If a mean or variance is NaN or infinite; the message counts observations and lists latents.
        """
        mu, logvar = self.mu.cpu().double(), None if self.logvar is None else self.logvar.cpu().double()
        wrong = ~(mu if logvar is None else mu + logvar.exp()).isfinite()
        if wrong.any():
            latents = wrong.any(dim=0).nonzero()[:, 0].tolist()
            raise WorkFailed(
                f"the model gives NaN or infinite means or variances for {int(wrong.any(dim=1).sum())} of {len(mu)} "
                f"observations, in latents {', '.join(map(str, latents))}; nothing can be measured"
            )
        return Posterior(mu, logvar)


@dataclass(frozen=True)
class Losses:
    """Losses of one batch, averaged over its observations.

    Attributes:
        total: The objective to minimise, scalar.
        terms: Named terms, unweighted and in nats: ``reconstruction`` and, for a variational model, ``kl``.
        omitted: Constant left out of ``reconstruction``; their sum is -log p(x|z), in nats per observation.
        kept: Intermediate tensors that adversaries learn from.
    """

    total: Tensor
    terms: Mapping[str, Tensor]
    omitted: float = 0.0
    kept: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no loss where it is made, in the line of the model.

        Raises:
            TypeError: If terms have no names.
            ValueError: If a term has the name of the objective.
        """
        if not isinstance(self.terms, Mapping):
            raise TypeError(f"terms are given by name, such as {{'reconstruction': …}}, got {described(self.terms)}")
        if "total" in self.terms:
            raise ValueError("a term is named 'total', which is the name of the objective; give it another")


@dataclass(frozen=True)
class Step:
    """State of the training when a loss is computed.

    Attributes:
        index: Optimiser steps taken so far.
        epoch: Epochs completed so far.
        generator: Source of all noise in the loss.
    """

    index: int
    epoch: int
    generator: torch.Generator


@dataclass(frozen=True)
class Adversary:
    """Weights trained on a loss of their own after each step of the objective, such as a discriminator.

    Attributes:
        name: Name of its loss in the history.
        optimiser: Holds its weights; they are frozen during the objective's step, unless they are also in the
            objective's optimiser.
        loss: Loss that it minimises, given the batch, the step and the losses of the objective.
        n_steps: Steps that it takes per step of the objective.
    """

    name: str
    optimiser: torch.optim.Optimizer
    loss: Callable[[Batch, Step, Losses], Tensor]
    n_steps: int = 1


@dataclass(frozen=True)
class Epoch:
    """An epoch as a model's hooks see it.

    Attributes:
        index: Epochs completed so far.
        data: The training split, on the model's device.
        generator: Source of randomness for this epoch.
    """

    index: int
    data: Dataset
    generator: torch.Generator


class LatentModel(nn.Module, Parametrised[M_co], ABC):
    """A learning objective: encoding, decoding and a loss.

    A model with ``encode`` and ``decode`` can be measured; ``loss`` makes it trainable.

    Args:
        params: The objective's parameters.
        network: Encoder and decoder.
        spec: What is known about the data.
    """

    Params = ModelParams
    n_statistics: ClassVar[int] = 2
    """Outputs of the encoder per latent: 2 for mean and log variance, 1 for a deterministic code."""
    decodes: bool = True
    """Whether there is a decoder; without one, :meth:`decode` raises."""

    def __init__(self, params: M_co, network: Network, spec: DataSpec) -> None:
        super().__init__()
        self.params = params
        self.network = network
        self.spec = spec

    @property
    def latent_dim(self) -> int:
        """Number of latents."""
        return self.params.latent_dim

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        weight = next(self.parameters(), None)
        return torch.device("cpu") if weight is None else weight.device

    @property
    def learned_prior_variance(self) -> Tensor | None:
        """Variance of each latent under a prior learned from the data, shape ``(latent_dim,)``; ``None`` if fixed."""
        return None

    @property
    def selected_latents(self) -> Tensor | None:
        """Whether the model itself selects each latent, shape ``(latent_dim,)``; ``None`` if it has no such choice."""
        return None

    @abstractmethod
    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x) for a batch."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z) in the data's range: ``(n, latent_dim)`` to ``(n, *shape)``."""

    def comparable(self, x: Tensor) -> Tensor:
        """Return observations on the scale of :meth:`decode`, in the same shape: by default themselves.

        A likelihood that takes the total of each observation as given rescales them to the total of decoded means.
        """
        return x

    @abstractmethod
    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the objective on a batch and its terms."""

    @abstractmethod
    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return ``n`` draws from p(z), shape ``(n, latent_dim)``.

        Raises:
            VaehubError: If the model has no prior.
        """

    def prior(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of p(z) for each observation of a batch, shape ``(n, latent_dim)`` each.

        A standard normal, with the variances of a learned prior where there is one; a model with a conditional prior
        overrides this.
        """
        zeros = batch.x.new_zeros(len(batch), self.latent_dim)
        variance = self.learned_prior_variance
        return zeros, zeros if variance is None else variance.log().expand_as(zeros)

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return the optimiser of the objective, made once per training: Adam over all weights."""
        return torch.optim.Adam(self.parameters(), lr=learning_rate, fused=True)

    def progress(self, losses: Mapping[str, float]) -> float:
        """Return the number that falls as the training gets on, for ``train.lr_patience`` and ``train.keep``.

        Args:
            losses: Means of the losses of an epoch, ``total`` and the named terms. The default is ``total``; a model
                whose objective changes on the way, as a Lagrangian does with its multiplier, returns another.
        """
        return losses["total"]

    def adversaries(self, learning_rate: float) -> Sequence[Adversary]:
        """Return the adversaries trained beside the objective, made once per training."""
        return ()

    def solve(self, epoch: Epoch) -> bool:
        """Set the weights in closed form and return True, so that no steps are taken; False without a closed form."""
        return False

    def training_started(self, train: Dataset) -> None:
        """Hook called before the first epoch with the training split, for example to set a buffer from the data.

        A training that is resumed calls it too, before it restores all weights and buffers.
        """

    def epoch_started(self, epoch: Epoch) -> Tensor | None:
        """Prepare an epoch; return the rows of the training split to learn from, or ``None`` for all of them."""
        return None

    def step_ended(self, losses: Losses, step: Step) -> None:
        """Hook called after each step of the objective, for example to update a Lagrange multiplier."""

    def training_ended(self, epoch: Epoch) -> None:
        """Hook called once at the end of a training, with the weights that are kept."""

    @property
    def counts_selected_latents(self) -> bool:
        """Whether :meth:`n_selected_latents` counts; where it does, ``train.until=stable`` may be asked for."""
        return False

    def n_selected_latents(self, train: Dataset, generator: torch.Generator) -> int:
        """Return how many latents the model selects so far, in evaluation mode.

        Raises:
            VaehubError: If the model does not: if :attr:`counts_selected_latents` is false, or no method says how.
        """
        raise VaehubError(
            f"model class {type(self).__name__!r} does not count the latents that it selects; one whose "
            "'counts_selected_latents' is true defines 'n_selected_latents'"
        )

    def notes(self) -> Sequence[str]:
        """Return notes on this training for its record, one phrase each."""
        return ()

    @torch.no_grad()
    def encode_all(self, data: Dataset) -> Posterior:
        """Return q(z|x) for a whole dataset, in chunks, in evaluation mode and without gradients."""
        with evaluating(self):
            parts = [self.encode(_moved(batch, self.device)) for batch in data.batches(EVALUATION_BATCH)]
        logvars = [part.logvar for part in parts if part.logvar is not None]
        return Posterior(torch.cat([part.mu for part in parts]), torch.cat(logvars) if logvars else None)

    @torch.no_grad()
    def prior_all(self, data: Dataset) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of p(z) for a whole dataset, as :meth:`encode_all` does for q(z|x)."""
        with evaluating(self):
            parts = [self.prior(_moved(batch, self.device)) for batch in data.batches(EVALUATION_BATCH)]
        mu, logvar = zip(*parts, strict=True)
        return torch.cat(mu), torch.cat(logvar)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode inside the context, and restore the mode of each of its modules afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _moved(batch: Batch, device: torch.device) -> Batch:
    if batch.x.device == device:
        return batch
    rest = (None if item is None else item.to(device) for item in (batch.labels, batch.factors))
    return Batch(batch.x.to(device), *rest)
