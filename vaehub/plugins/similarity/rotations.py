"""Procrustes similarity: how well one representation can be rotated onto another (Bonheme 2023, Section 7.2)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.similarity.centring import NEAR, Centred, both, check_same, factor_of, slices, triangle

SLACK = 32
"""Largest relative error of a sum of squares, in rounding errors of one value."""
OVERSAMPLING = 4
"""Sums of columns for each direction that is kept, or a few more."""
AT_ONCE = 2**20
"""Values of a representation that are multiplied at once."""


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
    random sums of columns (Halko et al. 2011, Algorithm 4.1, with the sparse matrix of Clarkson & Woodruff 2013 for the
    Gaussian one). Then ``Y'X`` is ``Y'UU'X`` plus a remainder. The nuclear norm of the first term is computed from
    matrices with as many rows as ``U`` has columns; that of the remainder is at most ``|Y - UU'Y| |X - UU'X|``, with
    Frobenius norms computed from ``|X|^2 - |U'X|^2``.

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
    return _bracketed(*(_Main.of(each, rank, generator) for each in (a, b)))


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
    reduced = [_Main.of(Centred.as_it_is(_reduced(x)), rank, generator) for x in representations]
    found = [[_bracketed(a, b) for b in reduced[n_first:]] for a in reduced[:n_first]]
    values, errors = torch.tensor(found, dtype=torch.float64).unbind(dim=2)
    return values, errors


class _Main(NamedTuple):
    """A representation and the directions in which its observations vary most.

    Attributes:
        x: The representation.
        directions: Orthonormal, shape ``(n, rank)``; ``None`` where all directions are to be used.
        square: Square of the Frobenius norm.
    """

    x: Centred
    directions: Tensor | None
    square: float

    @classmethod
    def of(cls, x: Centred, rank: int, generator: torch.Generator) -> Self:
        if rank < 1:
            raise VaehubError(f"rank is {rank} and should be at least 1; procrustes_similarity uses all directions")
        # Columns have sum 0, so that centred representations span at most n - 1 directions.
        if 2 * rank >= x.n - 1:
            return cls(x, None, x.square)
        sums, square = _sums(x, rank, generator)
        # The eigenvectors of the smaller of two Grams; what rounding makes of the last ones, the bound includes.
        vectors = torch.linalg.eigh((sums.mT @ sums).double()).eigenvectors[:, -rank:]
        return cls(x, torch.linalg.qr(sums.double() @ vectors).Q, square)


def _bracketed(first: _Main, second: _Main) -> LowRank:
    a, b = first.x, second.x
    if first.directions is None or second.directions is None:
        return LowRank(_similarity(factor_of(a), factor_of(b)), a.n * _slack(a, b))
    norm = math.sqrt(first.square * second.square)
    if norm == 0:
        return LowRank(float("nan"), float("nan"))
    basis = torch.linalg.qr(torch.cat([first.directions, second.directions], dim=1)).Q
    r_a, r_b = (_projected(each, basis) for each in (a, b))
    value = float(torch.linalg.svdvals(r_b @ r_a.mT).sum()) / norm
    slack = _slack(a, b)
    left = [1 - float(r.square().sum()) / each.square for r, each in ((r_a, first), (r_b, second))]
    error = math.prod(math.sqrt(max(0.0, each) + slack) for each in left) + a.n * slack
    lower, upper = max(0.0, value - error), min(1.0, value + error)
    return LowRank((lower + upper) / 2, (upper - lower) / 2)


def _projected(x: Centred, basis: Tensor) -> Tensor:
    """Return a square matrix with the singular values of the representation along a basis, ``R'R = U'XX'U``."""
    if x.dtype != torch.float32:
        return triangle(iter([x.transposed_times(basis, NEAR)]))
    # Roots of the eigenvalues of a Gram in double precision have half of its digits, which are those of the values.
    gram = basis.new_zeros(basis.shape[1], basis.shape[1])
    narrow = basis.float()
    for block in x.blocks(AT_ONCE // x.n):
        product = (block.mT @ narrow).double()
        gram += product.mT @ product
    squares, vectors = torch.linalg.eigh(gram)
    root: Tensor = squares.clamp_min(0).sqrt()[:, None] * vectors.mT
    return root


def _sums(x: Centred, rank: int, generator: torch.Generator) -> tuple[Tensor, float]:
    """Return sums of columns with random signs, or the columns if they are few, and the square of the Frobenius norm.

    The columns of a sum are as far apart as there are sums. That is a prime number, so that they have nothing in common
    with each other, such as the same place in all maps of a convolution.
    """
    n_sums = _prime(OVERSAMPLING * rank)
    found, square = x.mean.new_zeros(x.n, min(n_sums, x.width), dtype=x.dtype), 0.0
    for columns in (
        each for period in slices(x.width, n_sums) for each in slices(period.stop, NEAR // x.n, period.start)
    ):
        block = x.block(columns=columns)
        square += float(block.square().sum())
        signs = torch.randint(0, 2, block.shape[1:], generator=generator, device=block.device)
        place = columns.start % n_sums
        found[:, place : place + block.shape[1]] += block * (2 * signs - 1)
    return found, square


def _prime(least: int) -> int:
    """Return the first prime number that is not less."""
    return next(n for n in itertools.count(least) if all(n % each for each in range(2, math.isqrt(n) + 1)))


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
