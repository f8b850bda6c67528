"""Latents cut into bins: counts, and the entropies of counts."""

import torch
from torch import Tensor

VALUES_AT_ONCE = 2**17
"""Pairs of codes that are counted together: what a core's cache holds. Bounds memory, changes no result."""


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
