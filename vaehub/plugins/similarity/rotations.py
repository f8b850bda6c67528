"""Procrustes similarity: how well one representation can be rotated onto another (Bonheme 2023, Section 7.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.similarity.centring import NEAR, Centred, both, check_same, factor_of, triangle

SLACK = 32
"""Largest relative error of a sum of squares, in rounding errors of one value."""


class LowRank(NamedTuple):
    """Approximate similarity from a few directions of observations.

    Attributes:
        value: Centre of the interval that contains the exact value; ``nan`` if a representation is constant.
        error: Half of the width of that interval.
    """

    value: float
    error: float


@accepts_arrays
def procrustes_similarity(x: Tensor, y: Tensor) -> float:
    """Return the Procrustes similarity of two representations.

    Bonheme 2023, Section 7.2: the nuclear norm ``|Y'X|_*``, with columns centred and both divided by their Frobenius
    norms: 1 minus half of :func:`procrustes_distance`. Widths may differ, as if the narrower were padded with zeros.
    Where both have at least as many columns as observations, both are first reduced by QR to ``n x n`` matrices with
    the same inner products, which changes the result by rounding only.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.

    Returns:
        Similarity in [0, 1], without unit; ``nan`` if either is constant. Biased upwards unless there are many more
        observations than columns.

    Raises:
        VaehubError: If numbers of observations differ, or are too small.
    """
    narrow, wide = sorted(both(x, y), key=lambda each: each.width)
    if not (narrow.is_defined and wide.is_defined):
        return float("nan")
    f = factor_of(narrow)
    if narrow.width >= narrow.n:
        return _similarity(f, factor_of(wide))
    # The product has few columns, however wide the other is: its triangle has the same singular values.
    product = triangle(block.mT @ f for block in wide.fitting(torch.float64))
    norm = float(f.norm()) * math.sqrt(wide.square)
    return min(1.0, float(torch.linalg.svdvals(product).sum()) / norm)


@accepts_arrays
def procrustes_distance(x: Tensor, y: Tensor) -> float:
    """Return the squared Frobenius distance of two representations after the best rotation of one of them.

    Bonheme 2023, Section 7.2, both centred and of norm 1: ``2 - 2 |Y'X|_*``.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.

    Returns:
        Distance in [0, 2], without unit; ``nan`` if either is constant.

    Raises:
        VaehubError: As :func:`procrustes_similarity`.
    """
    return 2 - 2 * procrustes_similarity(x, y)


def procrustes_matrix(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Return the Procrustes similarity of each pair of a first and a second representation.

    Each representation is reduced once; each pair then needs one singular value decomposition.

    Args:
        first: Representations, shape ``(n, …)`` each.
        second: Representations of the same observations.

    Returns:
        Shape ``(len(first), len(second))``; ``nan`` where either is constant.

    Raises:
        VaehubError: As :func:`procrustes_similarity`.
    """
    return _pairs(*first, *second, n_first=len(first))


@accepts_arrays
def _pairs(*representations: Tensor, n_first: int) -> Tensor:
    check_same(representations)
    reduced = [_reduced(x) for x in representations]
    found = [[_similarity(f, g) for g in reduced[n_first:]] for f in reduced[:n_first]]
    return torch.tensor(found, dtype=torch.float64)


@accepts_arrays
def procrustes_low_rank(x: Tensor, y: Tensor, rank: int, generator: torch.Generator) -> LowRank:
    """Return the Procrustes similarity from a few directions of observations, with a bound on its error.

    Let ``U`` be an orthonormal basis of the directions in which the observations of ``X`` and ``Y`` vary most, from
    random combinations of columns (Halko et al. 2011, Algorithm 4.1). Then ``Y'X`` is ``Y'UU'X`` plus a remainder. The
    nuclear norm of the first term is computed from matrices with as many rows as ``U`` has columns; that of the
    remainder is at most ``|Y - UU'Y| |X - UU'X|``, with Frobenius norms computed from ``|X|^2 - |U'X|^2``.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        rank: Directions kept of each; the result is exact where both together are as many as observations.
        generator: Source of the random combinations, on the device of the representations.

    Returns:
        Similarity and a bound on its error; ``nan`` for both if either is constant.

    Raises:
        VaehubError: As :func:`procrustes_similarity`, or if the rank is not positive.
    """
    a, b = both(x, y)
    if not (a.is_defined and b.is_defined):
        return LowRank(float("nan"), float("nan"))
    return _bracketed(a, b, rank, generator)


def procrustes_low_rank_matrix(
    first: Sequence[Tensor], second: Sequence[Tensor], rank: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return :func:`procrustes_low_rank` of each pair of a first and a second representation.

    Args:
        first: Representations, shape ``(n, …)`` each.
        second: Representations of the same observations.
        rank: Directions kept of each.
        generator: Source of random combinations, on the device of the representations.

    Returns:
        Similarities and their errors, shape ``(len(first), len(second))`` each.

    Raises:
        VaehubError: As :func:`procrustes_low_rank`.
    """
    return _low_rank_pairs(*first, *second, n_first=len(first), rank=rank, generator=generator)


@accepts_arrays
def _low_rank_pairs(
    *representations: Tensor, n_first: int, rank: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    check_same(representations)
    reduced = [Centred.as_it_is(_reduced(x)) for x in representations]
    found = [[_bracketed(a, b, rank, generator) for b in reduced[n_first:]] for a in reduced[:n_first]]
    values, errors = torch.tensor(found, dtype=torch.float64).unbind(dim=2)
    return values, errors


def _bracketed(a: Centred, b: Centred, rank: int, generator: torch.Generator) -> LowRank:
    if rank < 1:
        raise VaehubError(f"rank is {rank} and should be at least 1; procrustes_similarity uses all directions")
    # Columns have sum 0, so that centred representations span at most n - 1 directions.
    if 2 * rank >= a.n - 1:
        return LowRank(_similarity(factor_of(a), factor_of(b)), a.n * _slack(a, b))
    (of_a, square_a), (of_b, square_b) = (_combined(each, rank, generator) for each in (a, b))
    norm = math.sqrt(square_a * square_b)
    if norm == 0:
        return LowRank(float("nan"), float("nan"))
    # Scaled to equal norm, or the basis would follow the larger one alone.
    basis = torch.linalg.qr(torch.cat([of_a / math.sqrt(square_a), of_b / math.sqrt(square_b)], dim=1)).Q
    r_a, r_b = (triangle(iter([each.transposed_times(basis, NEAR)])) for each in (a, b))
    value = float(torch.linalg.svdvals(r_b @ r_a.mT).sum()) / norm
    slack = _slack(a, b)
    left = [1 - float(r.square().sum()) / square for r, square in ((r_a, square_a), (r_b, square_b))]
    error = math.prod(math.sqrt(max(0.0, each) + slack) for each in left) + a.n * slack
    lower, upper = max(0.0, value - error), min(1.0, value + error)
    return LowRank((lower + upper) / 2, (upper - lower) / 2)


def _combined(x: Centred, rank: int, generator: torch.Generator) -> tuple[Tensor, float]:
    """Return random combinations of columns, shape ``(n, rank)``, and the square of the Frobenius norm."""
    found, square = x.mean.new_zeros(x.n, rank), 0.0
    for block in x.blocks(NEAR // x.n):
        weights = torch.randn(block.shape[1], rank, generator=generator, dtype=block.dtype, device=block.device)
        found += block @ weights
        square += float(block.square().sum())
    return found, square


def _slack(a: Centred, b: Centred) -> float:
    """Return the largest relative rounding error of a squared norm."""
    return SLACK * max(torch.finfo(each.dtype).eps for each in (a, b))


def _reduced(x: Tensor) -> Tensor:
    """Return a matrix as :func:`factor_of`; zeros where the representation is undefined."""
    centred = Centred.of(x)
    return factor_of(centred) if centred.is_defined else centred.mean.new_zeros(centred.n, 1)


def _similarity(f: Tensor, g: Tensor) -> float:
    norm = float(f.norm() * g.norm())
    return min(1.0, float(torch.linalg.svdvals(g.mT @ f).sum()) / norm) if norm > 0 else float("nan")
