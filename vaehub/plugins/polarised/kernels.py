"""What latents are, and how they depend on each other (Bonheme 2023, Chapter 6).

A representation has shape ``(n, latent_dim)``: means, variances or samples of posteriors. All work is in float64. Where
a representation holds NaN or infinite values, what is asked of it is ``nan``, except for types, which have no such
word.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays, entropies, equal_width_bins, joint_entropies

LATENT_TYPES = ("active", "mixed", "passive")

ROUNDING = 1e-13
"""Range of a column, relative to its largest value, up to which it is constant: its values differ by rounding alone."""


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
            "variable types are computed from variances, which are finite and at least 0, and these range from "
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


@accepts_arrays
def types_beside_prior(
    mu: Tensor, logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor, alpha: float = 0.1
) -> NDArray[np.str_]:
    """Return what each latent is, whatever the prior: :func:`variable_types` of its variances in units of the prior's.

    Beside a standard normal prior this is the rule of Bonheme 2023, Section 6.4.1. Beside any other, learned or
    conditional, a latent is passive only if its means follow the prior's, too.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape.
        prior_mu: Means of the prior for each observation, same shape.
        prior_logvar: Natural logarithm of its variances, same shape.
        alpha: As in :func:`variable_types`.

    Returns:
        ``"active"``, ``"mixed"`` or ``"passive"``, shape ``(latent_dim,)``.

    Raises:
        VaehubError: As :func:`variable_types`.
    """
    mu, logvar, prior_mu, prior_logvar = (each.detach().double() for each in (mu, logvar, prior_mu, prior_logvar))
    if not (prior_mu.any() or prior_logvar.any()):
        return variable_types(logvar.exp(), alpha)
    return variable_types((logvar - prior_logvar).exp(), alpha, shift_variance(mu, prior_mu, prior_logvar))


@accepts_arrays
def shift_variance(mu: Tensor, prior_mu: Tensor, prior_logvar: Tensor) -> Tensor:
    """Return the variance of posterior means about the prior's, in units of the prior's variance.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        prior_mu: Means of the prior for each observation, same shape.
        prior_logvar: Natural logarithm of its variances, same shape.

    Returns:
        Variance of the population, shape ``(latent_dim,)``; 0 where the means follow the prior's.
    """
    return ((mu - prior_mu) * (-0.5 * prior_logvar).exp()).var(dim=0, correction=0)


@accepts_arrays
def total_correlation(r: Tensor) -> float:
    """Return the total correlation of a Gaussian with the covariance C of a representation.

    Bonheme 2023, Section 6.4.2 (after Locatello et al. 2019): ``1/2 (sum_j log C_jj - log det C)``, computed as
    ``-1/2 log det`` of the correlation matrix, which is the same and knows no scale.

    Args:
        r: Representation, shape ``(n, latent_dim)``.

    Returns:
        Nats, at least 0, which it is where latents are uncorrelated; ``inf`` where some latents are a linear function
        of others, ``nan`` where one is constant, or where there are no more observations than latents, whatever they
        come from being then a linear function of each other.
    """
    matrix = correlation(_representation(r))
    n, latent_dim = r.shape
    if n <= latent_dim or matrix.isnan().any():
        return float("nan")
    eigenvalues = torch.linalg.eigvalsh(matrix)
    # A sum of n products is rounded by n units in the last place at most.
    if eigenvalues[0] <= max(n, latent_dim) * torch.finfo(torch.float64).eps * eigenvalues[-1]:
        return float("inf")
    return max(0.0, -0.5 * float(eigenvalues.log().sum()))


@accepts_arrays
def averaged_mutual_information(r: Tensor, bins: int = 20) -> float:
    """Return the mean mutual information over pairs of latents.

    Bonheme 2023, Section 6.4.2: the sum over ordered pairs divided by ``latent_dim^2 - latent_dim``.

    Args:
        r: Representation, shape ``(n, latent_dim)``.
        bins: As in :func:`mutual_information_matrix`.

    Returns:
        Nats, at least 0; ``nan`` for one latent.
    """
    return pair_mean(mutual_information_matrix(r, bins=bins))


@accepts_arrays
def pair_mean(matrix: Tensor) -> float:
    """Return the mean of a square matrix outside of its diagonal; ``nan`` if that is all there is."""
    n = len(matrix)
    if n < 2:
        return float("nan")
    return float(matrix.sum() - matrix.diagonal().sum()) / (n * n - n)


@accepts_arrays
def mutual_information_matrix(r: Tensor, bins: int = 20) -> Tensor:
    """Return the mutual information of each pair of latents, in bins of equal width.

    Bonheme 2023, Section 6.4.2 (after Locatello et al. 2019): each latent over its own range, and the entropies those
    of counts. The latter are biased: independent latents have about ``(bins - 1)^2 / (2 n)``, 0.018 for 20 bins and
    10,000 observations, if all bins are as full.

    Args:
        r: Representation, shape ``(n, latent_dim)``.
        bins: How many.

    Returns:
        Nats, symmetric, shape ``(latent_dim, latent_dim)``, with 0 on the diagonal; 0 with a constant latent, which is
        in one bin.
    """
    r = _representation(r)
    if not r.isfinite().all():
        return torch.full((r.shape[1], r.shape[1]), torch.nan, dtype=r.dtype, device=r.device)
    codes, _ = equal_width_bins(r, bins)
    single, joint = entropies(codes, bins), joint_entropies(codes, bins)
    found = (single[:, None] + single - joint).clamp(min=0)
    return found.fill_diagonal_(0)


@accepts_arrays
def effective_rank(r: Tensor, of: Literal["covariance", "data"] = "covariance") -> float:
    """Return the exponential of the entropy of normalised singular values.

    Bonheme 2023, Section 6.4.2 (after Roy & Vetterli 2007). The text takes the singular values of the representation
    itself (``of="data"``, centred); its code, and with it its figures, those of the covariance, their squares.

    Args:
        r: Representation, shape ``(n, latent_dim)``.
        of: Whose singular values.

    Returns:
        From 1, where all observations lie on a line, to ``latent_dim``, where they spread alike in all directions;
        ``nan`` where they are all the same.

    Raises:
        VaehubError: If there is no such choice.
    """
    if of not in ("covariance", "data"):
        raise VaehubError(f"the effective rank is of 'covariance' or 'data', not of {of!r}")
    r = _representation(r)
    if not r.isfinite().all() or is_constant(r).all():
        return float("nan")
    centred = r - r.mean(dim=0)
    centred = centred / centred.abs().max()  # or squares of very small values would be 0
    from_covariance = of == "covariance"
    found = torch.linalg.eigvalsh(centred.mT @ centred) if from_covariance else torch.linalg.svdvals(centred)
    found = found.clamp(min=0)
    share = found / found.sum()
    return float((-share.xlogy(share).sum()).exp())


@accepts_arrays
def covariance(r: Tensor) -> Tensor:
    """Return the sample covariance (``ddof=1``) of a representation, shape ``(latent_dim, latent_dim)``."""
    centred = _representation(r)
    centred = centred - centred.mean(dim=0)
    return centred.mT @ centred / (len(centred) - 1)


@accepts_arrays
def correlation(r: Tensor) -> Tensor:
    """Return Pearson's correlation of each pair of latents.

    Args:
        r: Representation, shape ``(n, latent_dim)``.

    Returns:
        In [-1, 1], shape ``(latent_dim, latent_dim)``; ``nan`` with a constant latent, with itself included.
    """
    r = _representation(r)
    span = torch.where(is_constant(r), torch.nan, r.amax(dim=0) - r.amin(dim=0))
    centred = (r - r.mean(dim=0)) / span
    unit = centred / centred.square().sum(dim=0).sqrt()
    # A column of NaN makes NaN of its own row and column alone.
    found = (unit.mT @ unit).clamp(-1, 1)
    diagonal = found.diagonal()
    diagonal.copy_(torch.where(diagonal.isnan(), diagonal, 1.0))
    return found


@accepts_arrays
def n_correlated(matrix: Tensor, threshold: float = 0.2) -> Tensor:
    """Return with how many others each latent is correlated above a threshold, in absolute value.

    Bonheme 2023, Figures 6.9 to 6.11.

    Args:
        matrix: From :func:`correlation`.
        threshold: In [0, 1).

    Returns:
        Counts as float64, shape ``(latent_dim,)``; ``nan`` for a constant latent, which counts for no other.
    """
    diagonal = matrix.diagonal()
    others = (matrix.abs() > threshold).sum(dim=1) - (diagonal.abs() > threshold).long()
    return torch.where(diagonal.isnan(), torch.nan, others.double())


@accepts_arrays
def wasserstein_correlation(r: Tensor) -> float:
    """Return the squared Wasserstein distance of two Gaussians: with the covariance C, and with its diagonal D.

    Locatello et al. 2019, beside their total correlation: ``2 Tr C - 2 Tr((D^1/2 C D^1/2)^1/2)``.

    Args:
        r: Representation, shape ``(n, latent_dim)``.

    Returns:
        Squared units of the representation, at least 0; 0 where latents are uncorrelated.
    """
    matrix = covariance(_representation(r))
    if not matrix.isfinite().all():
        return float("nan")
    deviation = matrix.diagonal().sqrt()
    squares = torch.linalg.eigvalsh(deviation[:, None] * matrix * deviation)
    return max(0.0, 2 * float(matrix.trace() - squares.clamp(min=0).sqrt().sum()))


@accepts_arrays
def is_constant(r: Tensor) -> Tensor:
    """Return whether each latent is the same for all observations, but for rounding, shape ``(latent_dim,)``."""
    r = _representation(r)
    return r.amax(dim=0) - r.amin(dim=0) <= ROUNDING * r.abs().amax(dim=0)


def _representation(r: Tensor) -> Tensor:
    if r.ndim != 2 or len(r) < 2 or not r.shape[1]:
        raise VaehubError(
            f"a representation has shape (n, latent_dim), with 2 observations at least, got shape {tuple(r.shape)}"
        )
    return r.detach().double()
