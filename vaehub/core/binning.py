"""Equal-width binning."""

import torch
from torch import Tensor

from vaehub.core.errors import VaehubError


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
