"""Latents beside the prior, and the type of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaehub import LatentModel, Sample, Vector, WorkFailed
from vaehub.plugins.polarised.kernels import LATENT_TYPES, shift_variance, variable_types
from vaehub.plugins.polarised.params import TypeParams


@dataclass(frozen=True)
class Latents:
    """The posteriors of some observations beside their priors: float64, on the CPU, shape ``(n, latent_dim)`` each.

    Attributes:
        sample: The observations and their posteriors.
        prior_mu: Means of the prior for each observation.
        prior_variance: Its variances.
        is_relative: Whether types depend on the posterior variances in units of the prior's.
        types: Type of each latent: ``active``, ``mixed`` or ``passive``, shape ``(latent_dim,)``.
    """

    sample: Sample
    prior_mu: Tensor
    prior_variance: Tensor
    is_relative: bool
    types: NDArray[np.str_]

    @classmethod
    def of(cls, model: LatentModel, sample: Sample, params: TypeParams) -> Self:
        """Return the latents of a sample.

        Raises:
            WorkFailed: If types depend on the prior, and the model gives NaN or infinite values of it.
        """
        mu, logvar = (each.cpu().double() for each in model.prior_all(sample.data))
        variance = logvar.exp()
        is_standard = not (mu.any() or logvar.any())
        is_relative = params.relative == "prior" or (params.relative == "auto" and not is_standard)
        if is_relative:
            _check_prior(mu + variance + 1 / variance)
            shift = shift_variance(sample.mu, mu, logvar)
            types = variable_types(sample.variance / variance, params.alpha, shift)
        else:
            # The thesis's own rule looks at variances alone.
            types = variable_types(sample.variance, params.alpha)
        return cls(sample, mu, variance, is_relative, types)

    @property
    def ratio(self) -> Tensor:
        """Posterior variances in units of the prior's."""
        return self.sample.variance / self.prior_variance

    @property
    def shift_variance(self) -> Tensor:
        """Variance of posterior means about the prior's, in units of the prior's variance, ``(latent_dim,)``."""
        return shift_variance(self.sample.mu, self.prior_mu, self.prior_variance.log())

    def scalars(self) -> dict[str, float]:
        """Return how many observations there are, how many latents of each type, and by which rule."""
        counts: dict[str, float] = {f"n_{name}": int((self.types == name).sum()) for name in LATENT_TYPES}
        return {**counts, "n_samples": self.sample.n, "is_relative": self.is_relative}

    def type_vector(self) -> Vector:
        """Return types as numbers, 0 for active, 1 for mixed, 2 for passive, with the words as labels."""
        words = self.types.tolist()
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
