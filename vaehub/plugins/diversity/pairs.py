"""Mean and variance over pairs, and an interval from resampling observations."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import SsimBlock


class Moments(NamedTuple):
    """Moments of the distances of all pairs.

    Attributes:
        mean: Over the pairs.
        variance: Over the same pairs, divided by their number.
        resampled: Mean of each resampling, shape ``(n_resamplings,)``, float64; empty without resamplings.
    """

    mean: float
    variance: float
    resampled: Tensor


def moments(blocks: Iterable[SsimBlock], counts: Tensor) -> Moments:
    """Return the moments of 1 - similarity, over tiles on and above the diagonal, none of which is kept.

    Args:
        blocks: Tiles; those on the diagonal are whole.
        counts: How often each resampling has drawn each observation, from :func:`draw`.
    """
    n, mean, squares = 0, 0.0, 0.0
    sums = counts.new_zeros(len(counts), dtype=torch.float64)
    for rows, columns, similarity in blocks:
        block = 1 - similarity
        if len(counts):
            sums += (1 if rows == columns else 2) * _weighted(block, counts[:, rows], counts[:, columns])
        distances = block[torch.ones_like(block, dtype=torch.bool).triu(1)] if rows == columns else block.flatten()
        if not len(distances):
            continue
        # Means and squares are merged tile by tile, so that nothing cancels however many pairs there are.
        more, found = len(distances), float(distances.mean())
        shift = found - mean
        squares += float(distances.sub_(found).square_().sum()) + shift**2 * n * more / (n + more)
        n, mean = n + more, mean + shift * more / (n + more)
    return Moments(mean, squares / n, sums / n_pairs(counts))


def draw(n: int, n_resamplings: int, generator: torch.Generator) -> Tensor:
    """Return how often each resampling draws each of ``n`` observations, ``n`` in all, with replacement.

    Returns:
        Counts, shape ``(n_resamplings, n)``, uint8: that of one observation follows a Poisson law of mean 1.
    """
    counts = torch.zeros(n_resamplings, n, dtype=torch.uint8)
    for row in counts:
        drawn = torch.randint(n, (n,), generator=generator, device=generator.device).cpu()
        row.copy_(torch.bincount(drawn, minlength=n))
    return counts


def n_pairs(counts: Tensor) -> Tensor:
    """Return the number of ordered pairs of different observations in each resampling.

    It is n² minus the sum of squared counts: shape ``(n_resamplings,)``, float64.
    """
    # Row by row, since all rows in float64 take eight times the memory.
    squares = [float(row.to(torch.float64).square().sum()) for row in counts]
    return counts.shape[1] ** 2 - torch.tensor(squares, dtype=torch.float64, device=counts.device)


def interval(resampled: Tensor, confidence: float) -> tuple[float, float]:
    """Return the percentile interval that contains a share of the resampled means.

    Efron & Tibshirani 1993, Section 13.3. Observations are resampled, not pairs, which depend on each other. Pairs of
    an observation with its own copy are left out, as are resamplings without other pairs.

    Args:
        resampled: Means, shape ``(n_resamplings,)``.
        confidence: Share of them in the interval.

    Returns:
        Lower and upper end; nan where no resampling has a pair.
    """
    known = resampled[~resampled.isnan()]
    if not len(known):
        return float("nan"), float("nan")
    low, high = known.quantile(known.new_tensor([(1 - confidence) / 2, (1 + confidence) / 2])).tolist()
    return low, high


def _weighted(block: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the sum over pairs of a tile, each as often as both of its observations were drawn."""
    # Small whole numbers are exact in float32, and rounding a distance at 1e-7 is far below any resampling's error.
    sums = rows.to(torch.float32) @ block.to(torch.float32)
    return sums.mul_(columns).sum(dim=1, dtype=torch.float64)
