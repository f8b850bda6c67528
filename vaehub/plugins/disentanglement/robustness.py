"""Interventional robustness: whether a latent stays fixed while its factor does."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays, equal_width_bins
from vaehub.plugins.disentanglement.validation import check_vary, checked


class Robustness(NamedTuple):
    """What each latent does while one factor is held.

    Attributes:
        matrix: Robustness by latent and factor, at most 1, shape ``(n_latents, n_factors)``; ``nan`` for a constant
            latent.
        deviation: Greatest distance of each latent from its mean, shape ``(n_latents,)``: its weight in the score.
    """

    matrix: Tensor
    deviation: Tensor


@accepts_arrays
def irs(codes: Tensor, factors: Tensor, quantile: float = 0.99, bins: int = 20) -> float:
    """Return the interventional robustness score.

    Suter et al. 2019, as Locatello et al. 2019 compute it: the mean over latents of the greatest value in
    their row of :func:`robustness`, weighted by how far they deviate. Constant latents are left out.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers, none constant.
        quantile: Of deviations within a group; 1 is the paper's maximum, which outliers decide.
        bins: Bins that factors are cut into, of equal width: in effect only where one has more classes.

    Returns:
        At most 1, without unit; 0 if all latents are constant. Not 0 for noise: see :func:`robustness`.

    Raises:
        VaehubError: If codes and factors do not fit, a factor is constant, or the quantile is not in (0, 1].
    """
    return irs_of(*robustness(codes, factors, quantile, bins))


@accepts_arrays
def irs_of(matrix: Tensor, deviation: Tensor) -> float:
    """Return what :func:`irs` does, from a robustness that is known."""
    moves = deviation > 0
    if not moves.any():
        return 0.0
    greatest, weight = matrix[moves].amax(dim=1), deviation[moves]
    return float((greatest * weight).sum() / weight.sum())


@accepts_arrays
def robustness(codes: Tensor, factors: Tensor, quantile: float = 0.99, bins: int = 20) -> Robustness:
    """Return how little each latent moves while each factor is held and the others vary.

    Suter et al. 2019: ``1 - mean_v Q(|z - E[z | v]|) / max |z - E[z]|``, with ``v`` the classes of a
    factor, and ``Q`` a quantile over the observations that share one. Groups are found among the observations instead
    of made by intervention. Noise has more than 0 if its tails are longer than the quantile: 0.3 to 0.4 for a normal.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``.
        quantile: As in :func:`irs`.
        bins: As in :func:`irs`.

    Returns:
        Robustness by latent and factor, and deviations.

    Raises:
        VaehubError: As :func:`irs`.
    """
    codes, factors = checked(codes, factors)
    check_vary(factors)
    if not 0 < quantile <= 1:
        raise VaehubError(f"quantile is {quantile:g} and should be above 0 and at most 1")
    deviation = (codes - codes.mean(dim=0)).abs().amax(dim=0)
    # The mean of equal values may differ from them by rounding.
    deviation = torch.where(codes.amin(dim=0) == codes.amax(dim=0), 0.0, deviation)
    groups = equal_width_bins(factors.double(), bins)[0]
    within = torch.stack([_within(codes, each, quantile) for each in groups], dim=1)
    matrix = torch.where(deviation[:, None] > 0, 1 - within / deviation[:, None], torch.nan)
    return Robustness(matrix, deviation)


def _within(codes: Tensor, groups: Tensor, quantile: float) -> Tensor:
    """Return the mean over groups of the quantile of deviations from a group's mean, shape ``(n_latents,)``."""
    _, at, counts = torch.unique(groups, return_inverse=True, return_counts=True)
    sums = codes.new_zeros(len(counts), codes.shape[1]).index_add_(0, at, codes)
    distances = (codes - (sums / counts[:, None])[at]).abs()
    # Sorted by group, and within each by distance: the quantile of each group is then at a known place.
    distances, order = distances.sort(dim=0)
    by_group = at[order].argsort(dim=0, stable=True)
    distances = distances.gather(0, by_group)
    starts = counts.cumsum(0) - counts
    place = quantile * (counts - 1).double()
    below = place.floor().long()
    lower, upper = distances[starts + below], distances[starts + (below + 1).minimum(counts - 1)]
    return torch.lerp(lower, upper, (place - below).to(codes)[:, None]).mean(dim=0)
