"""The codes of a model: one value of each scored latent for each observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import LatentModel, Sample, Table, WorkFailed
from vaehub.plugins.ard.kernels import is_relevant
from vaehub.plugins.disentanglement.params import TYPES, ScoreParams
from vaehub.plugins.polarised.kernels import types_beside_prior


@dataclass(frozen=True)
class Codes:
    """Posteriors of the scored latents, float64, on the CPU.

    Attributes:
        mu: Posterior means, shape ``(n, n_latents)``.
        deviation: Posterior standard deviations, same shape; ``None`` where the codes are the means.
        latents: Numbers of the latents in the model, ascending.
    """

    mu: Tensor
    deviation: Tensor | None
    latents: tuple[int, ...]

    @classmethod
    def of(cls, model: LatentModel, sample: Sample, params: ScoreParams, relevance: Callable[[], Tensor]) -> Self:
        """Return the codes of encoded observations.

        Args:
            model: That encoded them.
            sample: The observations.
            params: Say which latents are scored.
            relevance: Returns the relevance of each latent, if these are the relevant ones.

        Raises:
            WorkFailed: If no latent has the type asked for, or any relevance.
        """
        chosen = torch.arange(sample.mu.shape[1])
        if params.latents == "relevant":
            chosen = _relevant(relevance(), params.explained)
        elif params.latents in TYPES:
            chosen = _of_type(model, sample, params)
        elif not isinstance(params.latents, str):
            chosen = torch.tensor(sorted(set(params.latents)))
        is_sampled = params.representation == "sampled"
        deviation = (0.5 * sample.logvar[:, chosen]).exp() if is_sampled else None
        return cls(sample.mu[:, chosen], deviation, tuple(chosen.tolist()))

    def of_rows(self, rows: Tensor | slice, generator: torch.Generator) -> Tensor:
        """Return the codes of some observations: means, or a fresh draw for each row."""
        mu = self.mu[rows]
        if self.deviation is None:
            return mu
        eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
        return mu + self.deviation[rows] * eps

    def table(self, factors: tuple[str, ...], **columns: Tensor) -> Table:
        """Return named matrices ``(n_latents, n_factors)`` as rows by latent and factor."""
        keys: dict[str, list[int] | list[str]] = {
            "latent": [latent for latent in self.latents for _ in factors],
            "factor": [factor for _ in self.latents for factor in factors],
        }
        return Table(keys, {name: matrix.flatten() for name, matrix in columns.items()})

    def latent_table(self, **columns: Tensor) -> Table:
        """Return named values of each latent ``(n_latents,)`` as rows by latent."""
        return Table({"latent": list(self.latents)}, columns)


def _relevant(relevance: Tensor, explained: float) -> Tensor:
    chosen = is_relevant(relevance, explained).nonzero()[:, 0].cpu()
    if not len(chosen):
        raise WorkFailed("no latent has any relevance, so there is none to score; '-s metric.latents=all' scores all")
    return chosen


def _of_type(model: LatentModel, sample: Sample, params: ScoreParams) -> Tensor:
    """Return the latents of the type asked for, by the rule of Bonheme 2023, Section 6.4.1.

    Where the prior is not standard normal, variances are in units of the prior's, and the means of a passive latent
    must follow the prior's.
    """
    prior_mu, prior_logvar = (each.double().cpu() for each in model.prior_all(sample.data))
    types = types_beside_prior(sample.mu, sample.logvar, prior_mu, prior_logvar, params.alpha)
    is_chosen = types == "active" if params.latents == "active" else types != "passive"
    if not is_chosen.any():
        kind = "active" if params.latents == "active" else "anything but passive"
        raise WorkFailed(
            f"none of the {len(types)} latents is {kind} by their posterior variances, so that there is nothing to "
            "score; ask for '-s metric.latents=all', or another '-s metric.alpha=…'"
        )
    return torch.from_numpy(is_chosen).nonzero()[:, 0]
