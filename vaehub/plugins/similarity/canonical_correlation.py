"""Similarity of two representations by their canonical correlations."""

from __future__ import annotations

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.similarity.centring import Centred, both, factor_of


@accepts_arrays
def svcca(x: Tensor, y: Tensor, explained: float = 0.99) -> float:
    """Return the mean canonical correlation of the principal directions of two representations.

    Raghu et al. 2017: each representation is projected onto the fewest principal directions that explain a share of
    its variance, and the canonical correlations of the projections are averaged.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        explained: Share of the variance to be explained, in (0, 1].

    Returns:
        Similarity in [0, 1], without unit; ``nan`` if either is constant. It is 1 for any two representations with
        as many directions as observations less one.

    Raises:
        VaehubError: If numbers of observations differ or are too small, or ``explained`` is out of range.
    """
    if not 0 < explained <= 1:
        raise VaehubError(f"explained is {explained:g} and should be greater than 0 and at most 1: a share of variance")
    a, b = both(x, y)
    if not (a.is_defined and b.is_defined):
        return float("nan")
    return float(torch.linalg.svdvals(_principal(a, explained).mT @ _principal(b, explained)).clamp(max=1).mean())


@accepts_arrays
def pwcca(x: Tensor, y: Tensor) -> float:
    """Return the mean canonical correlation, weighted by how much of the first representation each direction explains.

    Morcos et al. 2018, Section 2: the weight of a canonical variable ``h`` of ``x`` is ``sum_j |<h, x_j>|`` over
    columns. Not symmetric.

    Args:
        x: First representation, shape ``(n, …)``, which determines the weights.
        y: Second representation of the same observations, shape ``(n, …)``.

    Returns:
        Similarity in [0, 1], without unit; ``nan`` if either is constant. It is 1 wherever ``y`` has as many
        independent columns as there are observations less one.

    Raises:
        VaehubError: As :func:`svcca`.
    """
    a, b = both(x, y)
    if not (a.is_defined and b.is_defined):
        return float("nan")
    basis_a, basis_b = _principal(a, 1.0), _principal(b, 1.0)
    rotation, correlations, _ = torch.linalg.svd(basis_a.mT @ basis_b, full_matrices=False)
    weights = a.transposed_times(basis_a @ rotation).abs().sum(dim=0)
    return float((weights * correlations.clamp(max=1)).sum() / weights.sum())


def _principal(x: Centred, explained: float) -> Tensor:
    """Return an orthonormal basis of the principal directions that explain a share of the variance, ``(n, k)``."""
    u, values, _ = torch.linalg.svd(factor_of(x), full_matrices=False)
    is_there = values > max(x.n, x.width) * torch.finfo(values.dtype).eps * values[0]
    shares = values.square().cumsum(dim=0) / values.square().sum()
    # The direction that reaches the share is kept too.
    needed = (shares < explained).sum() + 1
    basis: Tensor = u[:, is_there & (torch.arange(len(values), device=u.device) < needed)]
    return basis
