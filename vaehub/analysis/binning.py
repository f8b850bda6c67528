"""Values cut into bins of equal width."""

import torch
from torch import Tensor

from vaehub.core.errors import VaehubError


def equal_width_bins(values: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the bin of each value, and the edges of bins, of equal width over the range of each column.

    Edges and bins are those of :func:`numpy.histogram`: a value on an edge is in the bin above, the greatest in the
    last, and a range of width 0 is widened by one half to each side.

    Args:
        values: Finite, float64, shape ``(n, k)``.
        bins: How many.

    Returns:
        Bins from 0, shape ``(k, n)``, one column after the other in memory, in which it is several times faster to
        count; and edges, shape ``(k, bins + 1)``.

    Raises:
        VaehubError: If there are no bins.
    """
    if bins < 1:
        raise VaehubError(f"bins is {bins} and should be 1 at least")
    columns = values.mT.contiguous()
    low, high = columns.amin(dim=1, keepdim=True), columns.amax(dim=1, keepdim=True)
    is_flat = low == high
    low, high = torch.where(is_flat, low - 0.5, low), torch.where(is_flat, high + 0.5, high)
    width = (high - low) / bins
    codes = ((columns - low) / width).long().clamp(max=bins - 1)
    # A quotient next to a whole number may be rounded to the wrong side of the edge that is compared with.
    codes -= (columns < low + codes * width).long()
    codes += ((columns >= low + (codes + 1) * width) & (codes < bins - 1)).long()
    edges = low + torch.arange(bins + 1, dtype=values.dtype, device=values.device) * width
    edges[:, -1:] = high
    return codes, edges
