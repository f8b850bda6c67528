"""Exact nearest neighbours by matrix products: ranked in low precision, proven, and measured in float64.

The result is not approximate. A low-precision product ranks all observations and yields a few candidates for each. A
bound on its error proves that no other observation can be nearer than the farthest neighbour among the candidates,
whose distance is computed exactly. Rows without that proof are searched again in the next higher precision, and the
last of them value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub.plugins.intrinsic_dimension.threads import Map, threaded_map

PAIRS_AT_ONCE = 1 << 22
"""Pairs whose approximate distances are in memory at a time; bounds memory, changes no result."""
VALUES_AT_ONCE = 1 << 18
"""Values of pairs that are subtracted at a time, so that they stay in the cache; changes no result."""
VALUES_AT_ONCE_ON_GPU = 1 << 26
"""The same on a GPU, with more memory and costlier steps."""
GROUP = 16
"""Size of the groups of which first only the nearest observation is ranked."""
TIE = 1e-12
"""Relative difference below which two distances are tied: the rounding of a sum of squares in float64."""
TRIED = 2
"""Blocks tried before giving up on a precision."""
GIVEN_UP = 0.5
"""Share of unproven rows in these blocks above which a precision is given up."""
_UNIT = 2.0**-53
_PIECES = {torch.bfloat16: 3, torch.float32: 2, torch.float64: 1}
"""Numbers of each dtype that a squared length is split into, so that it keeps its precision."""
_OUTPUT = {torch.bfloat16: 2.0**-7.9, torch.float32: 2.0**-23.9, torch.float64: 2.0**-52.9}
"""Upper bound of the relative error of rounding a number to each dtype."""
_SUM = {torch.bfloat16: 2.0**-23, torch.float32: 2.0**-23, torch.float64: 2.0**-52}
"""Twice the unit roundoff of the accumulator of products: that of bfloat16 is float32."""


def search(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return distances to the ``k`` nearest other observations, ascending, and their row numbers.

    Args:
        x: Observations, shape ``(n, p)``, finite, floating, no two of them equal; ``n`` above ``k``.
        k: Neighbours of each.

    Returns:
        Euclidean distances ``(n, k)``, float64, from differences of the given values, and rows ``(n, k)``.
    """
    distances = x.new_empty(len(x), k, dtype=torch.float64)
    indices = torch.empty(len(x), k, dtype=torch.int64, device=x.device)
    left = torch.arange(len(x), device=x.device)
    with threaded_map(x.device) as each:
        for dtype in precisions(x.device):
            if not len(left):
                return distances, indices
            left = _prove(x, left, Ranking.of(x, dtype, each), (distances, indices), each)
        for row in left[:, None]:
            distances[row], indices[row] = _directly(x, row, k)
    return distances, indices


def _prove(x: Tensor, rows: Tensor, ranking: Ranking, found: tuple[Tensor, Tensor], each: Map) -> Tensor:
    """Store the neighbours of the rows for which they are proven, and return the other rows."""
    distances, indices = found

    def measure(some: Tensor) -> Tensor:
        near, which, is_proven = _nearest_of(x, ranking, some, distances.shape[1])
        proven = some[is_proven]
        distances[proven], indices[proven] = near[is_proven], which[is_proven]
        return some[~is_proven]

    blocks = torch.split(rows, max(1, PAIRS_AT_ONCE // ranking.n_columns))
    tried, rest = blocks[:TRIED], blocks[TRIED:]
    unproven = torch.cat(each(measure, tried))
    if ranking.left.dtype != torch.float64 and len(unproven) > GIVEN_UP * sum(map(len, tried)):
        return torch.cat([unproven, *rest])
    return torch.cat([unproven, *each(measure, rest)])


def precisions(device: torch.device) -> Iterator[torch.dtype]:
    """Yield the dtypes to try for the product, the fastest first.

    bfloat16 only where a CPU has instructions for it; a GPU may accumulate in bfloat16, which has no useful bound.
    float32 only where products keep its precision: PyTorch can be set to multiply it in a shorter format.
    """
    if device.type == "cpu" and _multiplies_bfloat16():
        yield torch.bfloat16
    if _keeps_float32(device):
        yield torch.float32
    yield torch.float64


def _keeps_float32(device: torch.device) -> bool:
    backend = torch.backends.cuda.matmul if device.type == "cuda" else torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    setting: str | None = getattr(backend, "fp32_precision", None)
    # Where each backend has its own setting, reading the common one raises once they differ.
    if setting is None:
        return torch.get_float32_matmul_precision() == "highest"
    return setting in ("none", "ieee")


def _multiplies_bfloat16() -> bool:
    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in known)


@dataclass(frozen=True)
class Ranking:
    """Two matrices whose product is minus half the squared distance of each pair of rows, in some precision.

    Rows are centred, scaled to a length of at most 1 and rounded; distances are those of the rounded rows. Squared
    lengths are further columns, so that the product is small where a distance is, and loses little when it is rounded.

    Attributes:
        left: Rows, shape ``(n, p + 2 * pieces)``.
        right: The same for the other side, padded to whole groups by rows far from everything.
        norms: Lengths of the rounded rows, shape ``(n,)``, float64.
        rounding: Upper bound of the distance of each rounded row from the exact one, shape ``(n,)``, float64.
        scale: Factor by which distances are multiplied.
    """

    left: Tensor
    right: Tensor
    norms: Tensor
    rounding: Tensor
    scale: float

    @classmethod
    def of(cls, x: Tensor, dtype: torch.dtype, each: Map) -> Self:
        """Return the matrices for some observations."""
        n, p = x.shape
        pieces = _PIECES[dtype]
        slices = list(_slices(n, PAIRS_AT_ONCE // 16 // p))
        centre, scale = _centre_and_scale(x, slices, each)
        left = x.new_zeros(n, p + 2 * pieces, dtype=dtype)
        norms, rounding = (x.new_empty(n, dtype=torch.float64) for _ in range(2))

        def fill(rows: slice) -> None:
            exact = (x[rows].double() - centre) * scale
            rounded = exact.to(dtype)
            left[rows, :p] = rounded
            norms[rows] = torch.linalg.vector_norm(rounded.double(), dim=1)
            # Subtracting the centre rounds as well, in float64.
            rounding[rows] = torch.linalg.vector_norm(exact - rounded.double(), dim=1)
            rounding[rows] += 2 * _UNIT * torch.linalg.vector_norm(exact, dim=1)

        each(fill, slices)
        right = x.new_zeros(-(-n // GROUP) * GROUP, p + 2 * pieces, dtype=dtype)
        right[:n, :p] = left[:, :p]
        halves = _split(norms.square() / 2, dtype)
        left[:, p : p + pieces], left[:, p + pieces :] = 1, -halves
        right[:n, p : p + pieces], right[:, p + pieces :] = -halves, 1
        right[n:, p] = -1e30
        return cls(left, right, norms, rounding, scale)

    @property
    def n_columns(self) -> int:
        """Number of columns of the product."""
        return len(self.right)

    def candidates(self, rows: Tensor, m: int) -> tuple[Tensor, Tensor]:
        """Return half squared distances of the ``m`` nearest others by rank, ascending, float64, and their rows.

        Groups are ranked by their nearest member first: the ``m`` nearest of all are in the ``m`` nearest groups.
        """
        product = self.left[rows] @ self.right.mT
        product[torch.arange(len(rows), device=rows.device), rows] = -torch.inf
        n_groups = self.n_columns // GROUP
        if m < n_groups // 2:
            grouped = product.view(len(rows), GROUP, n_groups)
            groups = grouped.amax(dim=1).topk(m, dim=1, sorted=False).indices
            members = torch.arange(GROUP, device=rows.device)[:, None] * n_groups + groups[:, None]
            members = members.flatten(1)
            values, at = product.gather(1, members).topk(m, dim=1)
            return values.double().neg_(), members.gather(1, at)
        values, at = product.topk(m, dim=1)
        return values.double().neg_(), at

    def bounds(self, rows: Tensor, halves: Tensor) -> tuple[Tensor, Tensor]:
        """Return lower and upper bounds of the scaled distance for each approximate half squared distance."""
        dtype = self.left.dtype
        terms = self.left.shape[1] + 2
        reach = (self.norms[rows] + self.norms.max()).square()[:, None]
        # Higham 2002, Eq. 3.5, on the sum of products, whose absolute values add up to reach / 2 at most; squared
        # lengths in bfloat16 have 24 bits, which the same term covers.
        wrong = _SUM[dtype] * (terms + 2) * reach + 1e-30
        # Rounding a row changes a distance by no more than it moves the row: the triangle inequality.
        moved = (self.rounding[rows] + self.rounding.max())[:, None]
        low = (2 * (halves - wrong) / (1 + _OUTPUT[dtype])).clamp(min=0).sqrt() - moved
        high = (2 * (halves + wrong) / (1 - _OUTPUT[dtype])).clamp(min=0).sqrt() + moved
        return low.clamp(min=0), high


def _nearest_of(x: Tensor, ranking: Ranking, rows: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return distances and neighbours of some rows, and whether they are proven."""
    n = len(x)
    m = min(n - 1, k + k // 4 + 8)
    halves, which = ranking.candidates(rows, m)
    low, high = ranking.bounds(rows, halves)
    # k candidates are at most this far away, so those certainly farther need not be measured.
    needed = low <= high[:, k - 1 : k]
    distances = torch.full_like(low, torch.inf)
    row, column = needed.nonzero(as_tuple=True)
    distances[row, column] = _between(x, rows[row], which[row, column])
    distances, order = distances.sort(dim=1, stable=True)
    farthest = distances[:, k - 1] * ranking.scale
    tie = TIE if ranking.left.dtype == torch.float64 else -4 * _UNIT * x.shape[1]
    is_proven = low[:, -1] >= farthest * (1 - tie)
    if m == n - 1:
        is_proven[:] = True
    return distances[:, :k], which.gather(1, order)[:, :k], is_proven


def _between(x: Tensor, rows: Tensor, others: Tensor) -> Tensor:
    """Return the distance of each pair of rows, from differences in float64."""
    found = x.new_empty(len(rows), dtype=torch.float64)
    at_once = VALUES_AT_ONCE_ON_GPU if x.is_cuda else VALUES_AT_ONCE
    for some in _slices(len(rows), at_once // x.shape[1]):
        difference = x.index_select(0, rows[some]).double().sub_(x.index_select(0, others[some]))
        found[some] = torch.linalg.vecdot(difference, difference)
    return found.sqrt_()


def _directly(x: Tensor, row: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return distances and neighbours of one row, from its distances to all others."""
    distances = _between(x, row.expand(len(x)), torch.arange(len(x), device=x.device))
    distances[row] = torch.inf
    found, which = distances.sort(stable=True)
    return found[None, :k], which[None, :k]


def _centre_and_scale(x: Tensor, slices: Sequence[slice], each: Map) -> tuple[Tensor, float]:
    """Return the mean, and a power of two by which no centred row is longer than 1."""
    centre = torch.stack(each(lambda rows: x[rows].sum(dim=0, dtype=torch.float64), slices)).sum(dim=0) / len(x)
    lengths = each(lambda rows: torch.linalg.vector_norm(x[rows].double() - centre, dim=1).max(), slices)
    return centre, float(2.0 ** -torch.stack(lengths).max().clamp(min=2.0**-500).log2().ceil())


def _split(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Return numbers as sums of numbers of a shorter dtype, shape ``(n, pieces)``."""
    pieces = []
    for _ in range(_PIECES[dtype]):
        pieces.append(values.to(dtype))
        values = values - pieces[-1].double()
    return torch.stack(pieces, dim=1)


def _slices(n: int, size: int) -> Iterator[slice]:
    size = max(1, size)
    return (slice(start, start + size) for start in range(0, n, size))
