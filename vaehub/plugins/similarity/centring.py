"""Representations less their mean, in float64, a block at a time: those of convolutions are too large as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import VaehubError

MEMORY = 2**28
"""Bytes that the blocks of one call may take together; decides no result but for rounding."""
ROUNDING = 4
"""A column whose values differ by so many rounding errors of the greatest, in its own type, is constant."""
ALL = slice(None)


@dataclass(frozen=True)
class Centred:
    """A representation, less the mean of each column and divided by the greatest range of all columns.

    No similarity depends on that scale, and without it squares of very small or large values would be lost.

    Attributes:
        x: As it was given, shape ``(n, width)``.
        mean: Of each column, float64, shape ``(width,)``.
        factor: What columns are multiplied with, 0 for those that are constant, shape ``(width,)``.
    """

    x: Tensor
    mean: Tensor
    factor: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Self:
        """Return a representation centred; more axes than one after the first are flattened.

        Raises:
            VaehubError: If there are fewer than two observations, or nothing of them.
        """
        if not x.ndim or len(x) < 2 or not x.numel():
            raise VaehubError(
                f"a representation has shape (n, …), with 2 observations at least, got shape {tuple(x.shape)}"
            )
        x = x.detach().reshape(len(x), -1)
        x = x if x.is_floating_point() else x.double()
        high, low = x.amax(dim=0).double(), x.amin(dim=0).double()
        span = high - low
        varies = span > ROUNDING * torch.finfo(x.dtype).eps * torch.maximum(high.abs(), low.abs())
        # NaN is more than nothing in no comparison, and must not be taken for a constant.
        greatest = torch.where(varies | span.isnan(), span, 0.0).max()
        factor = torch.where(varies, 1 / torch.where(greatest > 0, greatest, 1.0), 0.0)
        return cls(x, x.mean(dim=0, dtype=torch.float64), torch.where(greatest.isfinite(), factor, torch.nan))

    @classmethod
    def as_it_is(cls, x: Tensor) -> Self:
        """Return a matrix whose columns have mean 0 already."""
        return cls(x, x.new_zeros(x.shape[1]), x.new_ones(x.shape[1]))

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(self.x)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.x.shape[1]

    @property
    def is_defined(self) -> bool:
        """Whether values are finite, and not all observations are the same but for rounding."""
        return bool(self.factor.isfinite().all() and (self.factor > 0).any())

    @property
    def square(self) -> float:
        """Square of the Frobenius norm."""
        return float(self.square_norms().sum())

    def block(self, rows: slice = ALL, columns: slice = ALL) -> Tensor:
        """Return some rows and columns, float64."""
        return (self.x[rows, columns].double() - self.mean[columns]) * self.factor[columns]

    def blocks(self, width: int) -> Iterator[Tensor]:
        """Yield columns in order, at most ``width`` at a time."""
        for columns in slices(self.width, width):
            yield self.block(columns=columns)

    def fitting(self, memory: int = MEMORY) -> Iterator[Tensor]:
        """Yield columns in order, as many at a time as fit into a quarter of the memory."""
        yield from self.blocks(memory // (32 * self.n))

    def times(self, w: Tensor) -> Tensor:
        """Return the product with ``w``, shape ``(width, k)``."""
        found, start = w.new_zeros(self.n, w.shape[1]), 0
        for block in self.fitting():
            found.addmm_(block, w[start : start + block.shape[1]])
            start += block.shape[1]
        return found

    def transposed_times(self, g: Tensor) -> Tensor:
        """Return the product of the transpose with ``g``, shape ``(n, k)``."""
        return torch.cat([block.mT @ g for block in self.fitting()])

    def square_norms(self) -> Tensor:
        """Return the square of the norm of each observation, shape ``(n,)``."""
        found = self.x.new_zeros(self.n, dtype=torch.float64)
        for block in self.fitting():
            found += block.square().sum(dim=1)
        return found


def both(x: Tensor, y: Tensor) -> tuple[Centred, Centred]:
    """Return two representations of the same observations, centred.

    Raises:
        VaehubError: If they have different numbers of observations.
    """
    check_same([x, y])
    return Centred.of(x), Centred.of(y)


def check_same(representations: Sequence[Tensor]) -> None:
    """Refuse representations with different numbers of observations."""
    if len({len(x) if x.ndim else 0 for x in representations}) > 1:
        shapes = [str(tuple(x.shape)) for x in representations]
        raise VaehubError(
            f"similarity needs representations of the same observations, got shapes {', '.join(shapes[:-1])} and "
            f"{shapes[-1]}"
        )


def slices(n: int, size: int, start: int = 0) -> Iterator[slice]:
    """Yield what covers ``start`` to ``n``, at most ``size`` at a time."""
    for begin in range(start, n, max(1, size)):
        yield slice(begin, min(begin + max(1, size), n))


def factor_of(x: Centred, memory: int = MEMORY) -> Tensor:
    """Return a matrix with the same inner products of rows, and no more columns than rows, ``(n, min(n, width))``.

    By the triangle of a QR decomposition of the transpose: the roots of the eigenvalues of a Gram would be good to half
    of the digits only.
    """
    if x.width < x.n:
        return x.block()
    return triangle(block.mT for block in x.blocks(max(x.n, memory // (32 * x.n)))).mT


def triangle(blocks: Iterator[Tensor]) -> Tensor:
    """Return R of a QR decomposition of blocks ``(b, k)`` put below each other, of which one at a time is looked at."""
    found: Tensor = torch.linalg.qr(next(blocks), mode="r").R
    for block in blocks:
        found = torch.linalg.qr(torch.cat([found, block]), mode="r").R
    return found
