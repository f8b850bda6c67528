"""Rank and linear correlation of features with one variable, with p-values and bootstrap intervals."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays

FEWEST = 3
"""Pairs below which a coefficient is undefined: two points always lie on a line."""
ROUNDING = 1e-13
"""Range of a column, relative to its largest value, up to which it counts as constant: ranks of values that differ by
rounding alone mean nothing. The bound is that of ``scipy.stats.pearsonr``."""
VALUES_AT_ONCE = 2**21
"""Resampled values that are ranked together; bounds memory, changes no result."""


@accepts_arrays
def spearman(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return Spearman's rank correlation of each feature with a variable, and its two-sided p-value.

    Spearman 1904: Pearson's coefficient of the ranks, with mean ranks for ties. The p-value is that of
    :func:`p_value`, as in Müller et al. 2025, Table 3.3. A pair with a NaN is excluded, for its own feature only.

    Args:
        x: Features, shape ``(n, p)``, or one of shape ``(n,)``.
        y: The variable, shape ``(n,)``.

    Returns:
        Coefficients in [-1, 1] and p-values, without unit, float64, shape ``(p,)`` or ``()``; ``nan`` where a feature
        or the variable is constant, or fewer than 3 pairs remain.

    Raises:
        VaehubError: If the shapes do not fit.
    """
    return _tested(_rank_correlation, x, y)


@accepts_arrays
def pearson(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return Pearson's linear correlation of each feature with a variable, and its two-sided p-value.

    The p-value is that of :func:`p_value`, exact where both are normal. Arguments, result and degenerate cases are
    those of :func:`spearman`; infinite values, which have a rank, have no linear correlation: ``nan``.
    """
    return _tested(_correlation, x, y)


@accepts_arrays
def p_value(coefficient: Tensor, n: Tensor | int) -> Tensor:
    """Return the two-sided p-value of a coefficient under independence.

    ``t = r sqrt((n - 2) / (1 - r^2))`` has Student's t distribution with n - 2 degrees of freedom, written as the
    incomplete beta function so that small values keep their digits.

    Args:
        coefficient: Correlation coefficients, any shape.
        n: Number of pairs, same shape, or one for all.

    Returns:
        Probabilities, float64, same shape; 0 where the coefficient is 1 or -1, ``nan`` where it is undefined.
    """
    from scipy.special import betainc  # takes longer to load than a picture of correlations, which needs no p-value

    r = coefficient.detach().double().cpu()
    pairs = torch.as_tensor(n, dtype=torch.float64).cpu()
    freedom = torch.where(pairs >= FEWEST, pairs - 2, torch.nan)
    found = torch.as_tensor(betainc(freedom.numpy() / 2, 0.5, ((1 - r) * (1 + r)).numpy()))
    return found.to(coefficient.device)


@accepts_arrays
def n_pairs(x: Tensor, y: Tensor) -> Tensor:
    """Return the number of pairs without NaN, shape ``(p,)`` or ``()``; arguments as in :func:`spearman`."""
    paired, _ = _pairs(x, y)
    return (~paired.isnan()).sum(dim=-1)


@accepts_arrays
def bootstrap_intervals(
    x: Tensor,
    y: Tensor,
    coefficient: Literal["spearman", "pearson"],
    *,
    n_resamplings: int,
    confidence: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return an interval of each feature's coefficient, from resampling rows with replacement.

    Efron & Tibshirani 1993, Section 13.3 (percentiles). All features share the same resamplings. Resamplings
    in which a column is constant have no coefficient and are excluded.

    Args:
        x: Features, shape ``(n, p)`` or ``(n,)``, as in :func:`spearman`.
        y: The variable, shape ``(n,)``.
        coefficient: Name of the coefficient.
        n_resamplings: Number of resamplings.
        confidence: Share of the resamplings that the interval contains.
        generator: Source of randomness.

    Returns:
        Lower and upper ends, float64, shape ``(p,)`` or ``()``; ``nan`` where the coefficient is undefined.
    """
    of = _rank_correlation if coefficient == "spearman" else _correlation
    x, y = _pairs(x, y)
    n = x.shape[-1]
    drawn = torch.randint(n, (n_resamplings, n), generator=generator, device=generator.device).to(x.device)
    step = max(1, VALUES_AT_ONCE // max(1, x.numel()))
    found = torch.cat([of(x[..., rows], y[..., rows]) for rows in torch.split(drawn, step)], dim=-1)
    ends = found.new_tensor([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = torch.where(of(x, y).isnan(), torch.nan, found.nanquantile(ends, dim=-1))
    return low, high


def _tested(of: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    found = of(*_pairs(x, y))
    return found, p_value(found, n_pairs(x, y))


def _pairs(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return both with pairs along the last axis, shape ``(p, n)`` or ``(n,)``, NaN where either is."""
    if x.ndim not in (1, 2) or y.shape != x.shape[:1] or not x.numel():
        raise VaehubError(
            "correlation takes features of shape (n,) or (n, p) and a variable of shape (n,), "
            f"got shapes {tuple(x.shape)} and {tuple(y.shape)}"
        )
    x = x.detach().double().movedim(0, -1)
    y = y.detach().double().expand_as(x)
    missing = x.isnan() | y.isnan()
    return x.masked_fill(missing, torch.nan), y.masked_fill(missing, torch.nan)


def _rank_correlation(x: Tensor, y: Tensor) -> Tensor:
    return _correlation(_ranks(x), _ranks(y))


def ranks(x: Tensor) -> Tensor:
    """Return ranks along the last axis, counted from 1; tied values have the mean of theirs, and NaN has none.

    Args:
        x: Real values, shape ``(..., n)``.

    Returns:
        Ranks in float64, multiples of one half, shape ``(..., n)``; NaN where a value is.
    """
    missing = x.isnan()
    # Placed last, and then not counted among what is infinite.
    x = x.detach().double().masked_fill(missing, torch.inf).contiguous()
    order, n = x.sort(dim=-1).values, (~missing).sum(dim=-1, keepdim=True)
    n_smaller, n_not_greater = (torch.searchsorted(order, x, side=side) for side in ("left", "right"))
    return ((n_smaller + n_not_greater.minimum(n) + 1).double() / 2).masked_fill(missing, torch.nan)


def _ranks(x: Tensor) -> Tensor:
    """Return ranks along the last axis, NaN everywhere where values do not differ."""
    return torch.where(_range(x) > 0, ranks(x), torch.nan)


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return the linear correlation along the last axis of arrays that have NaN in the same places."""
    enough = (~x.isnan()).sum(dim=-1) >= FEWEST
    x, y = _unit(x), _unit(y)
    product = (x * y).sum(dim=-1)
    # 1 - r is half the squared distance, which is exactly 0 for perfect correlation. The product would be 1 up to
    # rounding only, and the p-value of three pairs 1e-8 instead of 0.
    found = product.sign() * (1 - 0.5 * (x - product.sign()[..., None] * y).square().sum(dim=-1))
    return torch.where(enough, found, torch.nan)


def _unit(x: Tensor) -> Tensor:
    """Return centred values of norm 1 along the last axis: 0 for NaN, and NaN if constant."""
    # Divided by the range first, as squares of very large or small values over- or underflow.
    centred = (x - x.nanmean(dim=-1, keepdim=True)) / _range(x)
    centred = centred.masked_fill(x.isnan(), 0)
    return centred / centred.square().sum(dim=-1, keepdim=True).sqrt()


def _range(x: Tensor) -> Tensor:
    """Return the largest value less the smallest along the last axis, which is kept; 0 if it is rounding."""
    missing = x.isnan()
    low = x.masked_fill(missing, torch.inf).amin(dim=-1, keepdim=True)
    high = x.masked_fill(missing, -torch.inf).amax(dim=-1, keepdim=True)
    largest = torch.maximum(low.abs(), high.abs()).clamp(max=torch.finfo(x.dtype).max)
    return torch.where(high - low > ROUNDING * largest, high - low, 0.0)
