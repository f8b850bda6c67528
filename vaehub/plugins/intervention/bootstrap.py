"""How far ratios can be relied on: over resampled observations, and from observation to observation."""

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays
from vaehub.plugins.intervention.kernels import from_errors

COUNTS_AT_ONCE = 2**22
"""How often each observation was drawn, of as many resamplings as this holds; bounds memory, changes no result."""


@accepts_arrays
def ratio_intervals(
    errors: Tensor, n_resamplings: int, confidence: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, float]:
    """Return an interval of each ratio, from resampling observations with replacement.

    Efron & Tibshirani 1993, Section 13.3 (percentiles); each resampling has ratios of its own means. Beyond Müller et
    al. 2025, who count ratios above a threshold whatever their error.

    Args:
        errors: Of each observation, from :func:`vaehub.plugins.intervention.kernels.intervention_errors`, shape
            ``(n, 2 + latent_dim)``.
        n_resamplings: How many.
        confidence: Share of them that the interval holds.
        generator: Source of randomness, on the CPU.

    Returns:
        Lower and upper ends, shape ``(latent_dim,)``, and the share of resamplings in which sampling did not add to the
        error: with more than a few of these, ratios have no meaningful interval. All ``nan`` for one observation, and
        ends where a ratio is undefined.
    """
    n, latent_dim = len(errors), errors.shape[1] - 2
    if n < 2:
        return torch.full((latent_dim,), torch.nan), torch.full((latent_dim,), torch.nan), float("nan")
    errors = errors.cpu().double()
    ratios, n_negative = [], 0
    step = max(1, COUNTS_AT_ONCE // n)
    for start in range(0, n_resamplings, step):
        drawn = torch.randint(n, (min(step, n_resamplings - start), n), generator=generator)
        counts = errors.new_zeros(drawn.shape).scatter_add_(1, drawn, errors.new_ones(drawn.shape))
        found = from_errors(counts @ errors / n)
        ratios.append(found.ratios)
        n_negative += int((found.base <= 0).sum())
    ends = errors.new_tensor([(1 - confidence) / 2, (1 + confidence) / 2])
    # Latent by latent, since PyTorch limits how many values it sorts at once.
    low, high = torch.stack([of_one.quantile(ends) for of_one in torch.cat(ratios).unbind(dim=1)], dim=1)
    return low, high, n_negative / n_resamplings


@accepts_arrays
def ratio_quartiles(errors: Tensor) -> Tensor:
    """Return lower quartile, median and upper quartile, over observations, of each latent's own ratios.

    For diagnosis: ratios of single observations are heavy-tailed, because what sampling adds to one is often near zero,
    and their mean does not reproduce the table of Müller et al. 2025.

    Args:
        errors: As in :func:`ratio_intervals`.

    Returns:
        Shape ``(3, latent_dim)``; observations to which sampling adds nothing are left out, ``nan`` if that is all.
    """
    ratios = from_errors(errors.cpu().double()).ratios
    shares = ratios.new_tensor([0.25, 0.5, 0.75])
    return torch.stack([of_one.nanquantile(shares) for of_one in ratios.unbind(dim=1)], dim=1)
