"""Observations as a model encodes them, and the latents among them that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, Posterior, Table, VaehubError, WorkFailed, task
from vaehub.plugins.disentanglement.params import TYPES, ScoreParams
from vaehub.plugins.polarised.kernels import variable_types


@dataclass(frozen=True)
class Encoded:
    """Posteriors of some observations, float64, on the CPU.

    Attributes:
        mu: Posterior means of the latents that are scored, shape ``(n, n_latents)``.
        deviation: Standard deviations of posteriors, same shape; ``None`` where only means are asked for.
        latents: Which latents of the model they are, ascending.
    """

    mu: Tensor
    deviation: Tensor | None
    latents: tuple[int, ...]

    @classmethod
    def of(cls, model: LatentModel, data: Dataset, params: ScoreParams) -> Self:
        """Return observations encoded, in blocks.

        Raises:
            WorkFailed: If the model gives NaN or infinite values, or no latent is of the type asked for.
        """
        mus, logvars, priors = [], [], []
        with task("encoding", len(data)) as advance:
            for rows in torch.split(torch.arange(len(data)), EVALUATION_BATCH):
                some = data.subset(rows)
                posterior = model.encode_all(some)
                mus.append(posterior.mu.cpu())
                if posterior.logvar is not None and params.needs_variances:
                    logvars.append(posterior.logvar.cpu())
                if params.latents in TYPES:
                    priors.append(torch.stack(model.prior_all(some)).cpu())
                advance(len(rows))
        posterior = Posterior(torch.cat(mus), torch.cat(logvars) if logvars else None).checked()
        mu, logvar = posterior.mu, posterior.logvar
        chosen = torch.arange(mu.shape[1])
        if params.latents in TYPES:
            assert logvar is not None, "check_encodes() refused it"
            chosen = _of_type(params, mu, logvar, torch.cat(priors, dim=1))
        elif not isinstance(params.latents, str):
            chosen = torch.tensor(sorted(set(params.latents)))
        deviation = None
        if params.representation == "sampled":
            assert logvar is not None, "check_encodes() refused it"
            deviation = (0.5 * logvar[:, chosen]).exp()
        return cls(mu[:, chosen], deviation, tuple(chosen.tolist()))

    def codes(self, rows: Tensor | slice, generator: torch.Generator) -> Tensor:
        """Return codes of some observations: means, or a fresh draw for each row."""
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


def check_encodes(metric: str, model: LatentModel, data: Dataset, params: ScoreParams) -> None:
    """Refuse latents that the model has not, and types and draws of a model without posterior variances."""
    posterior = model.encode_all(data.first(1))
    latent_dim = posterior.mu.shape[1]
    if not isinstance(params.latents, str) and max(params.latents) >= latent_dim:
        raise VaehubError(
            f"metric {metric!r} was asked for the latents {', '.join(map(str, params.latents))}, and the model has "
            f"{latent_dim}, counted from 0"
        )
    if params.needs_variances and posterior.logvar is None:
        raise VaehubError(
            f"metric {metric!r} needs posterior variances for types of latents and for samples, and this model has "
            "none; ask for '-s metric.latents=all' of '-s metric.representation=mean'"
        )


def _of_type(params: ScoreParams, mu: Tensor, logvar: Tensor, prior: Tensor) -> Tensor:
    """Return the latents of the type asked for, by the rule of Bonheme 2023, Section 6.4.1.

    Where the prior is not standard normal, variances are in units of the prior's, and the means of a passive latent
    must follow its.
    """
    prior_mu, prior_logvar = prior.double()
    shift_variance = None
    if prior.any():
        shift_variance = ((mu - prior_mu) * (-0.5 * prior_logvar).exp()).var(dim=0, correction=0)
    types = variable_types((logvar - prior_logvar).exp(), params.alpha, shift_variance)
    is_chosen = types == "active" if params.latents == "active" else types != "passive"
    if not is_chosen.any():
        kind = "active" if params.latents == "active" else "anything but passive"
        raise WorkFailed(
            f"none of the {len(types)} latents is {kind} by their posterior variances, so that there is nothing to "
            "score; ask for '-s metric.latents=all', or another '-s metric.alpha=…'"
        )
    return torch.from_numpy(is_chosen).nonzero()[:, 0]
