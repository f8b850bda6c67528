"""Latents cut into bins of equal width: counts, and the entropies of counts."""

import torch
from torch import Tensor

from vaehub import VaehubError

VALUES_AT_ONCE = 2**17
"""Pairs of codes that are counted together: what a core's cache holds. Bounds memory, changes no result."""


def equal_width(r: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the bin of each value, and the edges of bins, of equal width over the range of each latent.

    Edges and bins are those of :func:`numpy.histogram`: a value on an edge is in the bin above, the greatest in the
    last, and a range of width 0 is widened by one half to each side.

    Args:
        r: Finite representation, float64, shape ``(n, latent_dim)``.
        bins: How many.

    Returns:
        Bins from 0, shape ``(latent_dim, n)``, one latent after the other in memory; and edges, shape
        ``(latent_dim, bins + 1)``.

    Raises:
        VaehubError: If there are no bins.
    """
    if bins < 1:
        raise VaehubError(f"bins is {bins} and should be 1 at least")
    low, high = r.amin(dim=0), r.amax(dim=0)
    is_flat = low == high
    low, high = torch.where(is_flat, low - 0.5, low), torch.where(is_flat, high + 0.5, high)
    edges = low[:, None] + torch.arange(bins + 1, dtype=r.dtype, device=r.device) * ((high - low) / bins)[:, None]
    edges[:, -1] = high
    codes = torch.searchsorted(edges[:, :-1].contiguous(), r.mT.contiguous(), right=True) - 1
    return codes, edges


def counts(codes: Tensor, bins: int) -> Tensor:
    """Return how many values are in each bin, by row: codes ``(k, n)`` to counts ``(k, bins)``."""
    own = bins * torch.arange(len(codes), device=codes.device)[:, None]
    return torch.bincount((codes + own).flatten(), minlength=bins * len(codes)).reshape(-1, bins)


def entropies(codes: Tensor, bins: int) -> Tensor:
    """Return the entropy of each row, in nats: codes ``(k, n)`` to ``(k,)``, float64."""
    n = codes.shape[1]
    found = counts(codes, bins).double() / n
    return -found.xlogy(found).sum(dim=1)


def joint_entropies(codes: Tensor, bins: int) -> Tensor:
    """Return the entropy of each two rows together, in nats: codes ``(k, n)`` to ``(k, k)``, symmetric, float64.

    On the diagonal is 0: a row together with itself is not asked for.
    """
    k, n = codes.shape
    first, second = torch.triu_indices(k, k, offset=1, device=codes.device)
    found = codes.new_zeros((k, k), dtype=torch.float64)
    step = max(1, VALUES_AT_ONCE // max(n, bins**2))
    for i, j in zip(torch.split(first, step), torch.split(second, step), strict=True):
        found[i, j] = found[j, i] = entropies(codes[i] * bins + codes[j], bins**2)
    return found
