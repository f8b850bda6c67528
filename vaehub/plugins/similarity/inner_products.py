"""Inner products of the centred Grams of several representations, without any whole Gram in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.plugins.similarity.centring import MEMORY, NEAR, Centred, slices

FEWEST = 4
"""Fewest observations for which the debiased estimate is defined: its denominator contains n - 3."""
CANCELLED = 1e-13
"""A difference smaller than this share of the subtrahend is rounding."""


def aligned(products: Tensor, traces: Tensor | None = None) -> Tensor:
    """Return the cosines of Grams from their inner products; ``nan`` where a norm is 0.

    Args:
        products: Inner products of each pair of Grams, shape ``(r, r)``.
        traces: For debiased Grams, whose cosines may be negative: their traces before debiasing, shape ``(r,)``.
    """
    squares = products.diagonal()
    least = torch.zeros_like(squares) if traces is None else CANCELLED * traces.square()
    norms = torch.where(squares > least, squares, torch.nan).sqrt()
    found = (products / norms[:, None] / norms).clamp(0.0 if traces is None else -1.0, 1.0)
    diagonal = found.diagonal()
    diagonal.copy_(torch.where(diagonal.isnan(), diagonal, 1.0))
    return found


def is_narrow(representations: Sequence[Centred]) -> bool:
    """Whether covariances are cheaper than Grams: up to twice as many columns in all as observations."""
    n = representations[0].n
    return max(x.width for x in representations) < n and sum(x.width for x in representations) < 2 * n


def in_feature_space(representations: Sequence[Centred], *, debiased: bool, memory: int = MEMORY) -> Tensor:
    """Return inner products of Grams, shape ``(r, r)``, from covariances, some columns at a time.

    Debiased by the closed form of the estimate of Song et al. 2012 for centred columns, whose Gram has rows with sum 0.

    Args:
        representations: Representations with few columns in all.
        debiased: Whether diagonals of Grams are left out.
        memory: Bytes available; covariances take a quarter, and blocks of observations another.
    """
    n, r = representations[0].n, len(representations)
    widths = torch.tensor([x.width for x in representations], device=representations[0].x.device)
    owner = torch.arange(r, device=widths.device).repeat_interleave(widths)
    width = len(owner)
    found = representations[0].mean.new_zeros(r, r)
    for columns in slices(width, memory // (32 * width)):
        covariance = found.new_zeros(width, columns.stop - columns.start)
        for rows in slices(n, memory // (32 * width)):
            x = torch.cat([each.block(rows, dtype=torch.float64) for each in representations], dim=1)
            covariance.addmm_(x.mT, x[:, columns])
        sums = found.new_zeros(r, covariance.shape[1]).index_add_(0, owner, covariance.square_())
        found.index_add_(1, owner[columns], sums)
    if debiased:
        norms = torch.stack([each.square_norms() for each in representations])
        total = norms.sum(dim=1)
        found += total[:, None] * total / ((n - 1) * (n - 2)) - n / (n - 2) * norms @ norms.mT
    return found


def in_observation_space(representations: Sequence[Centred], *, debiased: bool, memory: int = MEMORY) -> Tensor:
    """Return inner products of Grams, shape ``(r, r)``, tile by tile of their upper triangle.

    The same tile of every Gram is flattened to a row, and rows are multiplied with each other. Tiles off the diagonal
    count twice.

    Args:
        representations: Representations of any widths.
        debiased: Whether Grams are centred as in Song et al. 2012, with diagonals of 0.
        memory: Bytes available; tiles take half.
    """
    n, r = representations[0].n, len(representations)
    is_single = all(each.dtype == torch.float32 for each in representations)
    dtype = torch.float32 if is_single else torch.float64
    side = max(1, min(n, math.isqrt(memory // (2 * dtype.itemsize * r))))
    norms = [each.square_norms() if debiased else None for each in representations]
    found = representations[0].mean.new_zeros(r, r)
    tiles = found.new_empty(r, side * side, dtype=dtype)
    for rows in slices(n, side):
        for columns in slices(n, side, start=rows.start):
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            size = shape[0] * shape[1]
            for at, (each, norm) in enumerate(zip(representations, norms, strict=True)):
                _fill(tiles[at, :size].view(shape), each, norm, rows, columns)
            flat = tiles[:, :size]
            found += (1 if rows == columns else 2) * (flat @ flat.mT)
    return found


def gram(x: Centred, *, debiased: bool) -> Tensor:
    """Return a whole centred Gram, shape ``(n, n)``."""
    found = x.mean.new_empty(x.n, x.n)
    rows = slice(0, x.n)
    _fill(found, x, x.square_norms() if debiased else None, rows, rows)
    return found


def check_debiased(n: int) -> None:
    """Refuse too few observations for the debiased estimate."""
    if n < FEWEST:
        raise VaehubError(
            f"debiased CKA needs at least {FEWEST} observations, got {n}; give more, or use debiased=False"
        )


def _fill(tile: Tensor, x: Centred, norm: Tensor | None, rows: slice, columns: slice) -> None:
    """Compute a tile of a Gram in place; of the debiased Gram, if the diagonal ``norm`` of the Gram is given."""
    tile.zero_()
    for left, right in _factors(x, rows, columns, NEAR // max(tile.shape), tile.dtype):
        tile.addmm_(left, right.mT)
    if norm is not None:
        n = x.n
        # Rows of the Gram have sum 0; without the diagonal, their sum is its negative.
        tile += norm[rows, None] / (n - 2) + norm[columns] / (n - 2) - norm.sum() / ((n - 1) * (n - 2))
        if rows == columns:
            tile.fill_diagonal_(0)


def _factors(
    x: Centred, rows: slice, columns: slice, width: int, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor]]:
    for some in slices(x.width, width):
        left = x.block(rows, some, dtype)
        yield left, left if rows == columns else x.block(columns, some, dtype)
