"""Representations less their mean, a block at a time: those of convolutions are too large as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import VaehubError

MEMORY = 2**28
"""Bytes that the blocks of one call may take together; decides no result but for rounding."""
NEAR = 2**18
"""Values that a processor keeps near, while they are looked at more than once."""
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
        dtype: What blocks are computed in.
    """

    x: Tensor
    mean: Tensor
    factor: Tensor
    dtype: torch.dtype = torch.float64

    @classmethod
    def of(cls, x: Tensor, *, in_double: bool = False) -> Self:
        """Return a representation centred; more axes than one after the first are flattened.

        Args:
            x: Representation, shape ``(n, …)``.
            in_double: Whether blocks are float64 in any case. Else single values stay single, which is precise enough
                for Grams, whose entries are sums of many products, and twice as fast.

        Raises:
            VaehubError: If there are fewer than two observations, or nothing of them.
        """
        if not x.ndim or len(x) < 2 or not x.numel():
            raise VaehubError(
                f"a representation has shape (n, …), with 2 observations at least, got shape {tuple(x.shape)}"
            )
        x = x.detach().reshape(len(x), -1)
        x = x if x.is_floating_point() else x.double()
        low, high, mean = _moments(x)
        span = high - low
        varies = span > ROUNDING * torch.finfo(x.dtype).eps * torch.maximum(high.abs(), low.abs())
        # NaN is more than nothing in no comparison, and must not be taken for a constant.
        greatest = torch.where(varies | span.isnan(), span, 0.0).max()
        factor = torch.where(varies, 1 / torch.where(greatest > 0, greatest, 1.0), 0.0)
        factor = torch.where(greatest.isfinite(), factor, torch.nan)
        is_single = x.dtype == torch.float32 and not in_double
        return cls(x, mean, factor, torch.float32 if is_single else torch.float64)

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

    def block(self, rows: slice = ALL, columns: slice = ALL, dtype: torch.dtype | None = None) -> Tensor:
        """Return some rows and columns."""
        dtype = dtype or self.dtype
        x, mean = self.x[rows, columns].to(dtype), self.mean[columns]
        most = mean.to(dtype)
        # What a single value of the mean leaves over is no rounding where values are far from 0.
        rest = (mean - most).to(dtype)
        return (x - most).sub_(rest).mul_(self.factor[columns].to(dtype))

    def blocks(self, width: int, dtype: torch.dtype | None = None) -> Iterator[Tensor]:
        """Yield columns in order, at most ``width`` at a time."""
        for columns in slices(self.width, width):
            yield self.block(columns=columns, dtype=dtype)

    def fitting(self, dtype: torch.dtype | None = None) -> Iterator[Tensor]:
        """Yield columns in order, as many at a time as fit into a quarter of the memory."""
        yield from self.blocks(MEMORY // (32 * self.n), dtype)

    def transposed_times(self, g: Tensor, values: int = MEMORY // 32) -> Tensor:
        """Return the product of the transpose with ``g``, shape ``(n, k)``, in float64; blocks have so many values."""
        return torch.cat([(block.mT @ g.to(block.dtype)).double() for block in self.blocks(values // self.n)])

    def square_norms(self) -> Tensor:
        """Return the square of the norm of each observation, shape ``(n,)``."""
        found = self.x.new_zeros(self.n, dtype=torch.float64)
        for block in self.fitting(torch.float64):
            found += block.square().sum(dim=1)
        return found


def both(x: Tensor, y: Tensor, *, in_double: bool = False) -> tuple[Centred, Centred]:
    """Return two representations of the same observations, centred.

    Raises:
        VaehubError: If they have different numbers of observations.
    """
    check_same([x, y])
    return Centred.of(x, in_double=in_double), Centred.of(y, in_double=in_double)


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
        return x.block(dtype=torch.float64)
    size = 4 if x.dtype == torch.float32 else 8
    return triangle(block.mT for block in x.blocks(max(x.n, memory // (4 * size * x.n)))).mT.double()


def triangle(blocks: Iterator[Tensor]) -> Tensor:
    """Return R of a QR decomposition of blocks ``(b, k)`` put below each other, of which one at a time is looked at."""
    found: Tensor = torch.linalg.qr(next(blocks), mode="r").R
    for block in blocks:
        found = torch.linalg.qr(torch.cat([found, block]), mode="r").R
    return found


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return least, greatest and mean value of each column, float64, from blocks that stay near the processor."""
    found = [
        torch.stack([block.amin(dim=0).double(), block.amax(dim=0).double(), block.mean(dim=0, dtype=torch.float64)])
        for block in torch.split(x, max(1, NEAR // len(x)), dim=1)
    ]
    low, high, mean = torch.cat(found, dim=1)
    return low, high, mean
