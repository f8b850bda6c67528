"""Centred representations, one block of columns at a time: those of convolutions do not fit in memory twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import VaehubError

MEMORY = 2**28
"""Bytes that the blocks of one call may take together; changes results by rounding only."""
NEAR = 2**18
"""Values that fit in the processor's cache."""
ROUNDING = 4
"""A column is constant if its range is at most this many rounding errors of its largest value, in its own type."""
ALL = slice(None)


@dataclass(frozen=True)
class Centred:
    """A representation, less the mean of each column and divided by the greatest range of all columns.

    Similarities do not depend on that scale; without it, squares of very small or large values would be lost.

    Attributes:
        x: The representation, shape ``(n, width)``.
        mean: Of each column, float64, shape ``(width,)``.
        factor: Scale of each column, 0 for constant columns, shape ``(width,)``.
        dtype: Precision of the blocks.
    """

    x: Tensor
    mean: Tensor
    factor: Tensor
    dtype: torch.dtype = torch.float64

    @classmethod
    def of(cls, x: Tensor, *, in_double: bool = False) -> Self:
        """Return a centred representation; all axes after the first are flattened.

        Args:
            x: Representation, shape ``(n, …)``.
            in_double: Whether blocks are float64 in any case. Otherwise, float32 stays float32, which is precise enough
                for Grams, whose entries are sums of many products, and twice as fast.

        Raises:
            VaehubError: If there are fewer than two observations, or no columns.
        """
        if not x.ndim or len(x) < 2 or not x.numel():
            raise VaehubError(
                f"a representation has shape (n, …), with at least 2 observations, got shape {tuple(x.shape)}"
            )
        x = x.detach().reshape(len(x), -1)
        x = x if x.is_floating_point() else x.double()
        low, high, mean = _moments(x)
        span = high - low
        varies = span > ROUNDING * torch.finfo(x.dtype).eps * torch.maximum(high.abs(), low.abs())
        # Comparisons with NaN are false, and a column with NaN must not pass for a constant.
        greatest = torch.where(varies | span.isnan(), span, 0.0).max()
        factor = torch.where(varies, 1 / torch.where(greatest > 0, greatest, 1.0), 0.0)
        factor = torch.where(greatest.isfinite(), factor, torch.nan)
        is_single = x.dtype == torch.float32 and not in_double
        return cls(x, mean, factor, torch.float32 if is_single else torch.float64)

    @classmethod
    def as_it_is(cls, x: Tensor) -> Self:
        """Wrap a matrix whose columns already have mean 0."""
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
        """Whether values are finite, and observations differ by more than rounding."""
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
        # Where values are far from 0, the part of the mean that float32 cannot hold is not negligible.
        rest = (mean - most).to(dtype)
        return (x - most).sub_(rest).mul_(self.factor[columns].to(dtype))

    def blocks(self, width: int, dtype: torch.dtype | None = None) -> Iterator[Tensor]:
        """Yield columns in order, at most ``width`` at a time."""
        for columns in slices(self.width, width):
            yield self.block(columns=columns, dtype=dtype)

    def fitting(self, dtype: torch.dtype | None = None) -> Iterator[Tensor]:
        """Yield columns in order, as many at a time as fit in a quarter of the memory."""
        yield from self.blocks(MEMORY // (32 * self.n), dtype)

    def transposed_times(self, g: Tensor, values: int = MEMORY // 32) -> Tensor:
        """Return the product of the transpose with ``g``, shape ``(n, k)``, float64; ``values`` bounds blocks."""
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
    """Yield slices that cover ``start`` to ``n``, each of at most ``size``."""
    for begin in range(start, n, max(1, size)):
        yield slice(begin, min(begin + max(1, size), n))


def factor_of(x: Centred, memory: int = MEMORY) -> Tensor:
    """Return a matrix with the same inner products of rows, and no more columns than rows, ``(n, min(n, width))``.

    By QR decomposition of the transpose: square roots of the eigenvalues of a Gram would have only half of the
    digits.
    """
    if x.width < x.n:
        return x.block(dtype=torch.float64)
    size = 4 if x.dtype == torch.float32 else 8
    return triangle(block.mT for block in x.blocks(max(x.n, memory // (4 * size * x.n)))).mT.double()


def triangle(blocks: Iterator[Tensor]) -> Tensor:
    """Return R of the QR decomposition of stacked blocks ``(b, k)``, which are read one at a time."""
    found: Tensor = torch.linalg.qr(next(blocks), mode="r").R
    for block in blocks:
        found = torch.linalg.qr(torch.cat([found, block]), mode="r").R
    return found


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return minimum, maximum and mean of each column, float64, from blocks that fit in the processor's cache."""
    found = [
        torch.stack([block.amin(dim=0).double(), block.amax(dim=0).double(), block.mean(dim=0, dtype=torch.float64)])
        for block in torch.split(x, max(1, NEAR // len(x)), dim=1)
    ]
    low, high, mean = torch.cat(found, dim=1)
    return low, high, mean
