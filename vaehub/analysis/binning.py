"""Values cut into bins of equal width, counts, and the entropies of counts."""

import torch
from torch import Tensor

from vaehub.core.errors import VaehubError

VALUES_AT_ONCE = 2**17
"""Pairs of codes that are counted together: what a core's cache holds. Bounds memory, changes no result."""


def equal_width_bins(values: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the bin of each value and the bin edges, with bins of equal width over the range of each column.

    Bins are those of :func:`numpy.histogram`: a value on an edge falls into the bin above, the maximum into the last
    bin, and a range of width 0 is widened by one half on each side.

    Args:
        values: Finite, float64, shape ``(n, k)``.
        bins: Number of bins.

    Returns:
        Bin indices from 0, shape ``(k, n)``, contiguous by column, which makes counting several times faster; and
        edges, shape ``(k, bins + 1)``.

    Raises:
        VaehubError: If ``bins`` is below 1.
    """
    if bins < 1:
        raise VaehubError(f"bins is {bins} and should be at least 1")
    columns = values.mT.contiguous()
    low, high = columns.amin(dim=1, keepdim=True), columns.amax(dim=1, keepdim=True)
    is_flat = low == high
    low, high = torch.where(is_flat, low - 0.5, low), torch.where(is_flat, high + 0.5, high)
    width = (high - low) / bins
    codes = ((columns - low) / width).long().clamp(max=bins - 1)
    # A quotient close to an integer may be rounded to the wrong side of its edge.
    codes -= (columns < low + codes * width).long()
    codes += ((columns >= low + (codes + 1) * width) & (codes < bins - 1)).long()
    edges = low + torch.arange(bins + 1, dtype=values.dtype, device=values.device) * width
    edges[:, -1:] = high
    return codes, edges


def bin_counts(codes: Tensor, bins: int) -> Tensor:
    """Return how many values are in each bin, by row: codes ``(k, n)`` to counts ``(k, bins)``."""
    own = bins * torch.arange(len(codes), device=codes.device)[:, None]
    return torch.bincount((codes + own).flatten(), minlength=bins * len(codes)).reshape(-1, bins)


def entropies(codes: Tensor, bins: int) -> Tensor:
    """Return the entropy of each row, in nats: codes ``(k, n)`` to ``(k,)``, float64."""
    n = codes.shape[1]
    found = bin_counts(codes, bins).double() / n
    return -found.xlogy(found).sum(dim=1)


def joint_entropies(codes: Tensor, bins: int) -> Tensor:
    """Return the joint entropy of each pair of rows, in nats: codes ``(k, n)`` to ``(k, k)``, symmetric, float64.

    On the diagonal is 0: a row together with itself is not asked for.
    """
    k, n = codes.shape
    first, second = torch.triu_indices(k, k, offset=1, device=codes.device)
    found = codes.new_zeros((k, k), dtype=torch.float64)
    step = max(1, VALUES_AT_ONCE // max(n, bins**2))
    for i, j in zip(torch.split(first, step), torch.split(second, step), strict=True):
        found[i, j] = found[j, i] = entropies(codes[i] * bins + codes[j], bins**2)
    return found
