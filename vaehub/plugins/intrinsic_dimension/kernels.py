"""Estimates of intrinsic dimension from distances to nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq

from vaehub import VaehubError
from vaehub.analysis import Array
from vaehub.plugins.intrinsic_dimension.neighbours import Neighbours, nearest

__all__ = [
    "Neighbours",
    "anchors",
    "gride_of",
    "local_of",
    "mle",
    "mle_in_runs",
    "mle_of",
    "nearest",
    "retained",
    "two_nn",
    "two_nn_line",
    "two_nn_of",
]

Aggregation = Literal["mean", "pooled", "median"]
Normaliser = Literal["k-1", "k-2"]
Cdf = Literal["i/n", "(i-1)/n"]
Fit = Literal["line", "likelihood"]
Values = NDArray[np.float64]


def mle(x: Array, k: int = 20, aggregation: Aggregation = "pooled", normaliser: Normaliser = "k-1") -> float:
    """Return the maximum likelihood estimate of the intrinsic dimension.

    Levina & Bickel 2004, Eq. 8 and 9. They average the local estimates (``mean``); ``pooled`` averages their inverses
    (MacKay & Ghahramani 2005), which is the maximum likelihood estimate of a common dimension, and nearly free of the
    bias that ``mean`` has for small ``k``. Logarithms are natural; an example in Bonheme 2023, Section 8.2, uses base
    10.

    Args:
        x: Observations, shape ``(n, …)``; exact copies are dropped.
        k: Number of neighbours; at least 2, and 3 for ``k-2``.
        aggregation: How local estimates become one: their mean, the inverse of their mean inverse, or their median.
        normaliser: Divisor of the sum of ``k - 1`` logarithms; ``k-2`` makes a local estimate unbiased.

    Returns:
        Dimension, without unit; ``inf`` where all ``k`` neighbours are equally far away.

    Raises:
        VaehubError: If ``k`` is too small, no more than ``k`` observations differ, or values are not finite.
    """
    return mle_of(nearest(x, k), k, aggregation, normaliser)


def two_nn(x: Array, discard: float = 0.1, cdf: Cdf = "i/n") -> float:
    """Return the estimate from the ratio of the distances to the two nearest neighbours.

    Facco et al. 2017: with ``mu`` the ratios, ascending, and ``F`` their empirical distribution, ``-log(1 - F)`` is
    ``d log(mu)``. The slope of the line through the origin is ``d``. ``(i-1)/n`` is the choice of Bonheme 2023's code.

    Args:
        x: Observations, shape ``(n, …)``; exact copies are dropped.
        discard: Share of the greatest ratios, which the line is not fitted to.
        cdf: Value of ``F`` at the i-th of ``n`` ratios.

    Returns:
        Dimension, without unit; ``inf`` where both neighbours are equally far away for all ratios kept.

    Raises:
        VaehubError: If no ratio is left, nothing is discarded where ``F`` is 1, or as :func:`mle`.
    """
    return two_nn_of(nearest(x, 2), discard, cdf)


def local_of(table: Neighbours, k: int, normaliser: Normaliser = "k-1") -> Values:
    """Return an estimate for each observation.

    Levina & Bickel 2004, Eq. 8: ``m(x) = [1 / (k-1) sum_{j<k} log(T_k / T_j)]^-1``.

    Returns:
        Shape ``(n_distinct,)``, one for each row of the table; ``nan`` for a row at distance 0 of another, ``inf`` for
        one whose neighbours are all equally far away.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(1 / _inverse(table, k, normaliser))


def mle_of(table: Neighbours, k: int, aggregation: Aggregation = "pooled", normaliser: Normaliser = "k-1") -> float:
    """Return the estimate of :func:`mle` from a table of at least ``k`` neighbours."""
    inverse = _inverse(table, k, normaliser)
    return _aggregated(inverse[table.is_apart], aggregation)


def anchors(n: int, share: float, runs: int, generator: torch.Generator) -> list[NDArray[np.int64]]:
    """Return which of ``n`` observations each run averages over, drawn without replacement, ascending; at least one.

    Bonheme 2023, Table D.4, has five runs of a share of 0.8.
    """
    size = max(1, int(share * n))
    return [torch.randperm(n, generator=generator)[:size].sort().values.numpy() for _ in range(runs)]


def mle_in_runs(
    table: Neighbours,
    k: int,
    chosen: Sequence[NDArray[np.int64]],
    aggregation: Aggregation = "pooled",
    normaliser: Normaliser = "k-1",
) -> Values:
    """Return the estimate for each of several sets of observations, with neighbours among all observations.

    Args:
        table: Neighbours of all observations.
        k: Number of neighbours.
        chosen: Rows of the table for each run.
        aggregation: As in :func:`mle`.
        normaliser: As in :func:`mle`.

    Returns:
        Shape ``(n_runs,)``.
    """
    inverse, is_apart = _inverse(table, k, normaliser), table.is_apart
    return np.array([_aggregated(inverse[rows][is_apart[rows]], aggregation) for rows in chosen])


def two_nn_of(table: Neighbours, discard: float = 0.1, cdf: Cdf = "i/n", fit: Fit = "line") -> float:
    """Return the estimate of :func:`two_nn` from a table of at least 2 neighbours.

    ``likelihood`` takes the maximum likelihood estimate of the rate of ``log(mu)``, exponentially distributed and
    censored at the greatest ratio kept, without bias: ``(n_kept - 1) / (sum + (n - n_kept) log(mu_kept))``.
    """
    x, y = two_nn_line(table, discard, cdf)
    n_kept = len(y)
    with np.errstate(divide="ignore"):
        if fit == "likelihood":
            return float((n_kept - 1) / np.float64(x[:n_kept].sum() + (len(x) - n_kept) * x[n_kept - 1]))
        squares = np.square(x[:n_kept]).sum()
        return float(x[:n_kept] @ y / squares) if squares > 0 else float("inf")


def two_nn_line(table: Neighbours, discard: float = 0.1, cdf: Cdf = "i/n") -> tuple[Values, Values]:
    """Return all ``log(mu)``, ascending, and ``-log(1 - F)`` for those that the line is fitted to.

    Returns:
        Shapes ``(n,)`` and ``(n_kept,)``.
    """
    first, second = table.distances[table.is_apart, :2].T
    ratios = np.sort(np.log(second / first))
    n, n_kept = len(ratios), int(len(ratios) * (1 - discard))
    if n_kept < 2:
        raise VaehubError(f"a line needs at least 2 points, and {discard:g} of {n} discarded leaves {n_kept}")
    if n_kept == n and cdf == "i/n":
        raise VaehubError("the last of all ratios has no -log(1 - F) if F is i/n; discard some, or set cdf to (i-1)/n")
    ranks = np.arange(n_kept) + (1 if cdf == "i/n" else 0)
    return ratios, -np.log1p(-ranks / n)


class Gride(NamedTuple):
    """An estimate at one scale.

    Attributes:
        dimension: Without unit.
        error: Standard error, from Fisher's information, assuming independent ratios.
        distance: The scale: mean distance to the farther neighbour.
    """

    dimension: float
    error: float
    distance: float


def gride_of(table: Neighbours, order: int) -> Gride:
    """Return the estimate from the ratio of the distances to neighbours ``order`` and ``2 * order``.

    Denti et al. 2022, Eq. 10: with ``n1`` and ``n2 = 2 n1``, the ratio ``mu`` has the density
    ``d (mu^d - 1)^(n2-n1-1) / (mu^(d (n2-1) + 1) B(n2-n1, n1))``, whose likelihood has one maximum. Order 1 is TwoNN by
    maximum likelihood.

    Args:
        table: Neighbours, at least ``2 * order`` of each.
        order: ``n1``, at least 1.

    Returns:
        The estimate; its dimension is ``inf``, and its error ``nan``, if both neighbours are always equally far away.
    """
    near, far = table.distances[table.is_apart][:, [order - 1, 2 * order - 1]].T
    log_ratio = np.log(far / near)
    n, total = len(log_ratio), float(log_ratio.sum())
    scale = float(far.mean())
    if total == 0:
        return Gride(float("inf"), float("nan"), scale)
    # d log mu / (1 - mu^-d) lies between d log mu and 1 + d log mu, which bounds the root on both sides.
    low, high = n / (order * total), n / total

    def slope(d: float) -> float:
        return float(n - d * (2 * order - 1) * total + (order - 1) * _over_one_minus_exp(d * log_ratio).sum())

    d = float(brentq(slope, low * (1 - 1e-9), high * (1 + 1e-9), xtol=1e-300, rtol=1e-14)) if order > 1 else n / total
    half = d * log_ratio / 2
    # (t / (2 sinh(t / 2)))^2, which is 1 where t is 0.
    curvature = np.square(np.divide(half, np.sinh(np.minimum(half, 300)), out=np.ones(n), where=half > 0)).sum()
    return Gride(d, float(d / np.sqrt(n + (order - 1) * curvature)), scale)


class Retained(NamedTuple):
    """The estimate that is stable over most numbers of neighbours.

    Attributes:
        estimate: Estimate at the last position of the longest stable run.
        position: That position.
        n_stable: Length of the run; 1 if no two neighbouring estimates agree.
    """

    estimate: float
    position: int
    n_stable: int


def retained(estimates: Sequence[float] | Values, tolerance: float = 0.1) -> Retained:
    """Return the estimate that is stable over most numbers of neighbours.

    Bonheme 2023, Section 8.2, keeps "the IDE stable for most k" by eye; here it is the last estimate of the longest
    run of successive estimates whose greatest exceeds the least by at most ``tolerance``; the later of two such runs.

    Args:
        estimates: Ascending by number of neighbours.
        tolerance: Greatest excess of the greatest estimate of a run over the least, as a share of the least.
    """
    values = np.asarray(estimates, dtype=np.float64)
    best = Retained(float(values[-1]), len(values) - 1, 1)
    for end in range(len(values) - 1, 0, -1):
        for start in range(end):
            stretch = values[start : end + 1]
            if len(stretch) > best.n_stable and stretch.max() <= (1 + tolerance) * stretch.min() < np.inf:
                best = Retained(float(values[end]), end, len(stretch))
    return best


def _inverse(table: Neighbours, k: int, normaliser: Normaliser) -> Values:
    """Return inverse local estimates, shape ``(n_distinct,)``; nan for rows at distance 0."""
    least = 2 if normaliser == "k-1" else 3
    if not least <= k <= table.k:
        raise VaehubError(f"k is {k}; with {normaliser!r} it is from {least} to the {table.k} neighbours in the table")
    logs = np.log(table.distances[:, :k], out=np.full((len(table.rows), k), np.nan), where=table.distances[:, :k] > 0)
    return np.asarray((logs[:, -1:] - logs[:, :-1]).sum(axis=1) / (k - 1 if normaliser == "k-1" else k - 2))


def _aggregated(inverse: Values, aggregation: Aggregation) -> float:
    if not len(inverse):
        return float("nan")
    with np.errstate(divide="ignore"):
        match aggregation:
            case "mean":
                return float(np.mean(1 / inverse))
            case "pooled":
                return float(1 / np.mean(inverse))
            case "median":
                return float(np.median(1 / inverse))


def _over_one_minus_exp(t: Values) -> Values:
    """Return ``t / (1 - exp(-t))``, which is 1 at 0."""
    return np.divide(t, -np.expm1(-t), out=np.ones_like(t), where=t > 0)
