"""What a latent is: used always, for some observations, or never."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.analysis.arrays import accepts_arrays
from vaehub.core.errors import VaehubError

LATENT_TYPES = ("active", "mixed", "passive")


@accepts_arrays
def variable_types(variance: Tensor, alpha: float = 0.1, mu_variance: Tensor | None = None) -> NDArray[np.str_]:
    """Return what each latent is: passive where its variance keeps to 1, active where it keeps to 0, else mixed.

    Bonheme 2023, Section 6.4.1. With mean and variance over observations (of the population, ``ddof=0``):

    - passive: variance below ``alpha``, and mean within ``alpha`` of 1;
    - active: variance below ``alpha``, and mean at most ``alpha``;
    - mixed: all others.

    Where the prior depends on what is known of an observation, as an iVAE's, hand in the posterior's variances divided
    by the prior's, and ``mu_variance``.

    Args:
        variance: Variances of posteriors, not their logarithms, shape ``(n, latent_dim)``; or their ratios to those of
            the prior.
        alpha: How far, in (0, 0.5); beyond, a latent could be both.
        mu_variance: Variance of the posterior means about the prior's, in units of the prior's variance, shape
            ``(latent_dim,)``; a latent is then passive only where it is at most ``alpha`` too.

    Returns:
        ``"active"``, ``"mixed"`` or ``"passive"``, shape ``(latent_dim,)``.

    Raises:
        VaehubError: If there is anything but variances, or no such ``alpha``.
    """
    if variance.ndim != 2 or len(variance) < 2 or not variance.shape[1]:
        raise VaehubError(
            "variances of posteriors have shape (n, latent_dim), with 2 observations at least, got shape "
            f"{tuple(variance.shape)}"
        )
    variance = variance.detach().double()
    if not (variance.isfinite().all() and (variance >= 0).all()):
        raise VaehubError(
            "variable types are of variances, finite and at least 0, and these are from "
            f"{float(variance.min()):.3g} to {float(variance.max()):.3g}; of log variances, take the exponential"
        )
    if not 0 < alpha < 0.5:
        raise VaehubError(f"alpha is {alpha:g} and should be greater than 0 and less than 0.5")
    mean, spread = variance.mean(dim=0), variance.var(dim=0, correction=0)
    is_steady = spread < alpha
    is_passive = is_steady & ((mean - 1).abs() <= alpha)
    if mu_variance is not None:
        is_passive &= mu_variance.to(variance) <= alpha
    codes = torch.where(is_steady & (mean <= alpha), 0, torch.where(is_passive, 2, 1))
    words: NDArray[np.str_] = np.array(LATENT_TYPES)[codes.cpu().numpy()]
    return words
