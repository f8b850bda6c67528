"""Exact copies among observations."""

import torch
from torch import Tensor

from vaehub.plugins.intrinsic_dimension.threads import threaded_map

VALUES_AT_ONCE = 1 << 18
"""Values compared together; bounds memory, changes no result."""
_MIXING = -0x61C8864680B583EB
"""Odd 64-bit constant of Fibonacci hashing (Knuth, The Art of Computer Programming 3, Section 6.4), signed."""
_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def distinct_rows(x: Tensor) -> Tensor:
    """Return which rows are the first of their kind, ascending.

    Rows are compared exactly, value by value. A hash of their bits finds candidates, so that only one number for
    each row is sorted.

    Args:
        x: Observations, shape ``(n, p)``, of any real dtype.

    Returns:
        Row numbers, shape ``(n_distinct,)``.
    """
    hashes, order = _hashes(x).sort(stable=True)
    starts = torch.ones_like(hashes, dtype=torch.bool)
    starts[1:] = hashes[1:] != hashes[:-1]
    first = order[starts][starts.cumsum(0) - 1]
    is_copy = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    others = []
    for some in torch.split((~starts).nonzero()[:, 0], _rows_at_once(x)):
        is_equal = (x[order[some]] == x[first[some]]).all(dim=1)
        is_copy[order[some]] = is_equal
        others.append(order[some][~is_equal])
    # Different rows rarely share a hash; those few are compared with each other.
    different = torch.cat(others).sort().values
    if len(different) > 1:
        equal = (x[different][:, None] == x[different]).all(dim=2).tril(-1)
        is_copy[different[equal.any(dim=1)]] = True
    return (~is_copy).nonzero()[:, 0]


def _hashes(x: Tensor) -> Tensor:
    """Return a hash of each row that depends only on its values: integer sums are the same in any order."""
    columns = torch.arange(1, x.shape[1] + 1, device=x.device) * _MIXING
    weights = (columns ^ (columns >> 29)) * _MIXING | 1

    def hashed(rows: Tensor) -> Tensor:
        # Adding zero gives -0.0 and 0.0, which are equal, the same bits.
        bits = (rows + 0).contiguous().view(_BITS[x.element_size()]).to(torch.int64)
        # Small integers differ only in their highest bits, which a product cannot carry further.
        return ((bits ^ (bits >> 23) ^ (bits >> 51)) * weights).sum(dim=1)

    with threaded_map(x.device) as each:
        return torch.cat(each(hashed, torch.split(x, _rows_at_once(x))))


def _rows_at_once(x: Tensor) -> int:
    return max(1, VALUES_AT_ONCE // max(1, x.shape[1]))
