"""Observations as a model encodes them: what every metric here is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, VaehubError, Vector, WorkFailed
from vaehub.plugins.polarised.kernels import LATENT_TYPES, variable_types
from vaehub.plugins.polarised.params import EncodedParams


@dataclass(frozen=True)
class Encoded:
    """The representations of some observations, float64, on the CPU, shape ``(n, latent_dim)`` each.

    Attributes:
        rows: Which observations of the part, shape ``(n,)``, ascending.
        mu: The mean representation.
        variance: Variances of posteriors.
        z: The sampled representation, one draw for each observation.
        prior_mu: Means of the prior for each observation.
        prior_variance: Variances of it.
        is_relative: Whether types are told from the ratio of the variances to the prior's.
    """

    rows: Tensor
    mu: Tensor
    variance: Tensor
    z: Tensor
    prior_mu: Tensor
    prior_variance: Tensor
    is_relative: bool

    @classmethod
    def drawn(
        cls, model: LatentModel, data: Dataset, params: EncodedParams, rows: torch.Generator, noise: torch.Generator
    ) -> Self:
        """Return observations drawn without replacement, encoded.

        Raises:
            WorkFailed: If the model gives NaN or infinite values.
        """
        part = data.split(params.part)
        chosen = part.draw_rows(params.n_samples, rows)
        part = part.subset(chosen)
        posterior = model.encode_all(part).checked()
        assert posterior.logvar is not None, "check() refused it"
        mu, variance = posterior.mu, posterior.logvar.exp()
        prior_mu, prior_logvar = (each.cpu().double() for each in model.prior_all(part))
        prior_variance = prior_logvar.exp()
        is_standard = not (prior_mu.any() or prior_logvar.any())
        is_relative = params.relative == "prior" or (params.relative == "auto" and not is_standard)
        if is_relative:
            _check_prior(prior_mu + prior_variance + 1 / prior_variance)
        eps = torch.randn(mu.shape, generator=noise, dtype=torch.float64)
        return cls(chosen, mu, variance, mu + variance.sqrt() * eps, prior_mu, prior_variance, is_relative)

    @property
    def ratio(self) -> Tensor:
        """Variances of posteriors in units of the prior's."""
        return self.variance / self.prior_variance

    @property
    def shift_variance(self) -> Tensor:
        """Variance over observations of posterior means less the prior's, in units of the prior's, ``(latent_dim,)``.

        The prior's means are taken off, since those of a passive latent follow them.
        """
        shift = (self.mu - self.prior_mu) / self.prior_variance.sqrt()
        return shift.var(dim=0, correction=0)

    def types(self, alpha: float) -> NDArray[np.str_]:
        """Return the type of each latent: of an absolute rule by variances alone, as in the thesis."""
        if self.is_relative:
            return variable_types(self.ratio, alpha, self.shift_variance)
        return variable_types(self.variance, alpha)


def check_encodes(metric: str, params: EncodedParams, model: LatentModel, data: Dataset) -> None:
    """Refuse models without posterior variances, and no more observations than latents."""
    part = data.split(params.part)
    if model.encode_all(part.first(1)).logvar is None:
        raise VaehubError(f"metric {metric!r} needs a model with posterior variances, and this one has none; 'vae' has")
    n = min(params.n_samples, len(part))
    if n <= model.latent_dim:
        raise DataError(
            f"metric {metric!r} needs more observations than the {model.latent_dim} latents, and got {n}: "
            f"the split {params.part!r} has {len(part)}, and n_samples is {params.n_samples}; 10000 are usual"
        )


def check_several(metric: str, model: LatentModel) -> None:
    """Refuse a model whose latents have no other to depend on."""
    if model.latent_dim < 2:
        raise VaehubError(f"metric {metric!r} needs 2 latents at least, and this model has {model.latent_dim}")


def type_counts(types: NDArray[np.str_]) -> dict[str, float]:
    """Return how many latents are of each type, as scalars."""
    return {f"n_{name}": int((types == name).sum()) for name in LATENT_TYPES}


def type_vector(types: NDArray[np.str_]) -> Vector:
    """Return types as numbers, 0 for active, 1 for mixed, 2 for passive, with the words as labels."""
    words = types.tolist()
    return Vector([LATENT_TYPES.index(word) for word in words], labels=words)


def _check_prior(values: Tensor) -> None:
    """Refuse values by observation and latent that are NaN or infinite."""
    wrong = ~values.isfinite()
    if wrong.any():
        latents = wrong.any(dim=0).nonzero()[:, 0].tolist()
        raise WorkFailed(
            f"the model gives NaN or infinite means or variances of the prior for {int(wrong.any(dim=1).sum())} of "
            f"{len(values)} observations, in latents {', '.join(map(str, latents))}; nothing can be said of it"
        )
