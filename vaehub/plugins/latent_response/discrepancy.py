"""Mathematics of the structure score: the maximum mean discrepancy of two samples."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

KernelName = Literal["imq", "rbf"]
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Scales of the inverse multiquadratic kernel in the code of Tolstikhin et al. 2018."""
ROWS_AT_ONCE = 512
"""Rows of the kernel matrix that are held; bounds memory, changes no result."""

OfSquares = Callable[[Tensor], Tensor]
"""From squared distances to values of the kernel."""


@accepts_arrays
def mmd2(
    p: Tensor,
    q: Tensor,
    kernel: KernelName = "imq",
    scales: Sequence[float] = SCALES,
    base: float | None = None,
    bandwidth: float | None = None,
) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy of two samples.

    Gretton et al. 2012, Eq. 3, with the kernels of the code of Tolstikhin et al. 2018, which Leeb et al. 2021 cite:

    - ``imq``: the sum over scales s of ``C / (C + |a - b|^2)`` with ``C = s base``.
    - ``rbf``: ``exp(-|a - b|^2 / (2 bandwidth))``.

    Args:
        p: Draws from the prior, shape ``(n, latent_dim)``, two at least.
        q: Responses, shape ``(m, latent_dim)``, two at least.
        kernel: Which.
        scales: Of ``imq``.
        base: Of ``imq``, in the latents' unit squared: the mean squared distance of two draws from the prior. For a
            standard normal that is ``2 latent_dim``, the default.
        bandwidth: Of ``rbf``, likewise squared; by default the code's: the median of the squared distances between the
            samples plus that of those within ``q``, each taken from the top with the rank ``n (n - 1) / 2``.

    Returns:
        Without unit; 0 on average where both samples come from one distribution, and then as often below 0 as above.
    """
    return float(permuted_mmd2(p, q, 0, None, kernel, scales, base, bandwidth)[0])


@accepts_arrays
def permuted_mmd2(
    p: Tensor,
    q: Tensor,
    n_permutations: int,
    generator: torch.Generator | None,
    kernel: KernelName = "imq",
    scales: Sequence[float] = SCALES,
    base: float | None = None,
    bandwidth: float | None = None,
) -> Tensor:
    """Return the estimate of :func:`mmd2`, and what it is when the two samples are mixed.

    Gretton et al. 2012, Section 2: where both come from one distribution, each exchange is as probable as the samples
    that there are. The width of the Gaussian kernel stays that of the samples as given.

    Args:
        p: Draws from the prior, shape ``(n, latent_dim)``.
        q: Responses, shape ``(m, latent_dim)``.
        n_permutations: How many random exchanges.
        generator: Source of them, on the CPU; ``None`` if there are none.
        kernel: As for :func:`mmd2`.
        scales: As for :func:`mmd2`.
        base: As for :func:`mmd2`.
        bandwidth: As for :func:`mmd2`.

    Returns:
        Shape ``(1 + n_permutations,)``, float64, that of the samples as given first.
    """
    p, q = p.double(), q.double()
    n, m = len(p), len(q)
    if kernel == "imq":
        of_squares = inverse_multiquadratic(scales, 2 * p.shape[1] if base is None else base)
    else:
        of_squares = gaussian(ranked_bandwidth(p, q) if bandwidth is None else bandwidth)
    orders = [torch.arange(n + m), *(torch.randperm(n + m, generator=generator) for _ in range(n_permutations))]
    is_first = torch.stack(orders, dim=1).to(p.device) < n
    return _of_splits(torch.cat([p, q]), is_first.double(), n, m, of_squares)


def _of_splits(pooled: Tensor, is_first: Tensor, n: int, m: int, of_squares: OfSquares) -> Tensor:
    """Return the estimate for each column of a table that says which of the pooled draws belong to the first sample."""
    within_first = within_second = between = torch.zeros(is_first.shape[1], dtype=torch.float64, device=pooled.device)
    for start in range(0, len(pooled), ROWS_AT_ONCE):
        at = slice(start, start + ROWS_AT_ONCE)
        values = of_squares(_squares(pooled[at], pooled))
        # Pairs of a draw with itself do not count.
        values.diagonal(offset=start).zero_()
        to_first = values @ is_first
        to_second = values.sum(dim=1, keepdim=True) - to_first
        mine = is_first[at]
        within_first = within_first + (mine * to_first).sum(dim=0)
        between = between + (mine * to_second).sum(dim=0)
        within_second = within_second + ((1 - mine) * to_second).sum(dim=0)
    return within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * between / (n * m)


def inverse_multiquadratic(scales: Sequence[float], base: float) -> OfSquares:
    """Return the kernel that is the sum over scales s of ``C / (C + squared distance)``, ``C = s base``."""

    def of_squares(squares: Tensor) -> Tensor:
        total = torch.zeros_like(squares)
        for scale in scales:
            total += scale * base / (scale * base + squares)
        return total

    return of_squares


def gaussian(bandwidth: float) -> OfSquares:
    """Return the kernel ``exp(-squared distance / (2 bandwidth))``."""
    return lambda squares: (squares / (-2 * bandwidth)).exp_()


def ranked_bandwidth(p: Tensor, q: Tensor) -> float:
    """Return the width that the code of Tolstikhin et al. 2018 gives its Gaussian kernel.

    It calls this a median heuristic. Of the squared distances within ``q``, those of each draw with itself are counted
    among the least, and all others twice; so the rank ``n (n - 1) / 2`` from the top is their median.

    Args:
        p: Shape ``(n, latent_dim)``.
        q: Shape ``(m, latent_dim)``; the rank of distances to ``p`` is ``n (m - 1) / 2``.

    Returns:
        Sum of two order statistics, in the unit of the draws squared; 0 only if all are one point.
    """
    n, m = len(p), len(q)
    return _ranked(_squares(p, q), n * (m - 1) // 2) + _ranked(_squares(q, q), m * (m - 1) // 2)


def _ranked(values: Tensor, rank: int) -> float:
    """Return the value of a rank, counted from the greatest, which has rank 1."""
    return float(values.flatten().kthvalue(values.numel() - rank + 1).values)


def _squares(a: Tensor, b: Tensor) -> Tensor:
    # Not by matrix products, which make the distance of a draw to itself a rounding error.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square_()
