"""Procrustes similarity: how well one representation can be rotated onto another (Bonheme 2023, Section 7.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub import VaehubError, accepts_arrays
from vaehub.plugins.similarity.centring import Centred, both, check_same, factor_of, triangle
from vaehub.plugins.similarity.inner_products import in_feature_space, in_observation_space, is_narrow

OVERSAMPLED = 10
"""Directions beyond the rank that a random start takes (Halko et al. 2011, Section 4.2)."""
POWERS = 2
"""Times that the random start is multiplied with the matrix and its transpose, so that it finds the greatest values."""
SLACK = 1e-14
"""Share of the squares of both norms that may be rounding of the squares of singular values, and is not known."""


class LowRank(NamedTuple):
    """A similarity from the greatest singular values.

    Attributes:
        value: Middle of what it can be; ``nan`` if a representation is constant.
        error: How far from the exact value it is at most.
    """

    value: float
    error: float


@accepts_arrays
def procrustes_similarity(x: Tensor, y: Tensor) -> float:
    """Return the Procrustes similarity of two representations.

    Bonheme 2023, Section 7.2: the nuclear norm ``|Y'X|_*``, with columns centred and both divided by their Frobenius
    norms, which is 1 less half of :func:`procrustes_distance`. Widths may differ, as if the narrower had columns of 0.
    Where both have as many columns as observations or more, both are first replaced with ``n x n`` matrices of the same
    inner products, by QR, which changes nothing but for rounding.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.

    Returns:
        Similarity in [0, 1], without unit; ``nan`` if either is constant. Too high where observations are not many more
        than columns.

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
    product = triangle(block.mT @ f for block in wide.fitting())
    norm = float(f.norm()) * math.sqrt(wide.square)
    return min(1.0, float(torch.linalg.svdvals(product).sum()) / norm)


@accepts_arrays
def procrustes_distance(x: Tensor, y: Tensor) -> float:
    """Return the square of the least Frobenius distance of two representations, over rotations of one of them.

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
    """Return the Procrustes similarity of each of some representations with each of others.

    Each representation is reduced once; a decomposition is then made of each pair.

    Args:
        first: Representations, shape ``(n, …)`` each.
        second: Others, of the same observations.

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
    """Return the Procrustes similarity from about as many singular values as ``rank``, with a bound on its error.

    With ``Q`` an orthonormal basis of some of the range of ``M = Y'X`` (Halko et al. 2011, Algorithm 4.4), ``A = Q'M``:

    - From below, with ``V`` the basis of the rows of ``A``: the diagonal blocks of ``M`` in both bases have a nuclear
      norm of at most that of ``M``, and that of a matrix is at least its Frobenius norm, so that
      ``|A|_* + sqrt(|M|^2 - |MV|^2)`` is at most ``|M|_*``.
    - From above: what is left, ``M - QA``, has a rank of at most that of ``M`` less the columns of ``Q``, and the
      square ``|M|^2 - |A|^2``, so that ``|M|_*`` is at most ``|A|_* + sqrt(rank left) sqrt(|M|^2 - |A|^2)``.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        rank: Singular values that are looked for.
        generator: Source of the random start, on the device of the representations.

    Returns:
        Similarity and the most that it may be off; ``nan`` for both if either is constant.

    Raises:
        VaehubError: As :func:`procrustes_similarity`, or if the rank is not positive.
    """
    a, b = both(x, y)
    if not (a.is_defined and b.is_defined):
        return LowRank(float("nan"), float("nan"))
    return _bracketed(a, b, float(_squares([a, b])[0, 1]), rank, generator)


def procrustes_low_rank_matrix(
    first: Sequence[Tensor], second: Sequence[Tensor], rank: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return what :func:`procrustes_low_rank` gives for each of some representations with each of others.

    Args:
        first: Representations, shape ``(n, …)`` each.
        second: Others, of the same observations.
        rank: Singular values that are looked for, of each pair.
        generator: Source of random starts, on the device of the representations.

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
    squares = _squares(reduced)[:n_first, n_first:].tolist()
    found = [
        [_bracketed(a, b, square, rank, generator) for b, square in zip(reduced[n_first:], row, strict=True)]
        for a, row in zip(reduced[:n_first], squares, strict=True)
    ]
    values, errors = torch.tensor(found, dtype=torch.float64).unbind(dim=2)
    return values, errors


def _bracketed(a: Centred, b: Centred, square: float, rank: int, generator: torch.Generator) -> LowRank:
    """Return the similarity of two matrices, given the sum of squares of their product."""
    if rank < 1:
        raise VaehubError(f"rank is {rank} and should be 1 at least; procrustes_similarity has all singular values")
    norm = math.sqrt(a.square * b.square)
    if norm == 0:
        return LowRank(float("nan"), float("nan"))
    # Columns have sum 0, so that one direction of observations is never there.
    greatest = min(a.width, b.width, a.n - 1)
    k = min(rank + OVERSAMPLED, greatest)
    values, v = _found_values(a, b, k, generator)
    # What is rounding is not known either, and may have any direction.
    rounding = SLACK * norm**2
    left = max(0.0, square - float(values.square().sum()))
    across = square - float(b.transposed_times(a.times(v)).square().sum()) - rounding
    sure = float(values.sum())
    lower = sure + math.sqrt(max(0.0, across)) if k < greatest else sure
    upper = sure + math.sqrt((greatest - k) * left) + math.sqrt(greatest * rounding) if k < greatest else sure
    lower, upper = min(1.0, lower / norm), min(1.0, upper / norm)
    return LowRank((lower + upper) / 2, (upper - lower) / 2 + greatest * SLACK)


def _found_values(a: Centred, b: Centred, k: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return singular values of ``Q'B'A`` and the basis of its rows, with ``Q`` of ``k`` columns.

    Only products with few columns are made: that of both may be too large.
    """
    q = torch.randn(a.width, k, generator=generator, dtype=torch.float64, device=a.mean.device)
    q = torch.linalg.qr(b.transposed_times(a.times(q))).Q
    for _ in range(POWERS):
        q = torch.linalg.qr(a.transposed_times(b.times(q))).Q
        q = torch.linalg.qr(b.transposed_times(a.times(q))).Q
    v, values, _ = torch.linalg.svd(a.transposed_times(b.times(q)), full_matrices=False)
    return values, v


def _squares(representations: Sequence[Centred]) -> Tensor:
    """Return the sum of squares of the product of each two, which is the inner product of their Grams."""
    multiplied = in_feature_space if is_narrow(representations) else in_observation_space
    return multiplied(representations, debiased=False)


def _reduced(x: Tensor) -> Tensor:
    """Return a matrix as :func:`factor_of`, of 0 where the representation is undefined."""
    centred = Centred.of(x)
    return factor_of(centred) if centred.is_defined else centred.mean.new_zeros(centred.n, 1)


def _similarity(f: Tensor, g: Tensor) -> float:
    norm = float(f.norm() * g.norm())
    return min(1.0, float(torch.linalg.svdvals(g.mT @ f).sum()) / norm) if norm > 0 else float("nan")
