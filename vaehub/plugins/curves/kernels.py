"""Centre and spread of values that belong together."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def summary(
    values: ArrayLike,
    *,
    centre: Literal["mean", "median"] = "mean",
    spread: Literal["sd", "se", "range", "quantiles", "none"] = "sd",
    coverage: float = 0.5,
) -> tuple[float, float, float, int]:
    """Return the centre of some values, the ends of their spread, and how many are defined.

    Args:
        values: Shape ``(n,)``; NaN and infinite values are left out.
        centre: Mean or median.
        spread: ``sd`` and ``se`` reach one standard deviation (of a sample, over n - 1) or one standard error (that
            over the root of n) to both sides of the centre, ``range`` from the least to the greatest value,
            ``quantiles`` over the middle share of ``coverage``, interpolated linearly.
        coverage: Share of the values between the quantiles.

    Returns:
        Centre, lower end, upper end, all in the unit of the values, and the number of values: all ``nan`` and 0 where
        none is defined. The ends are ``nan`` for ``none``, and where ``sd`` or ``se`` has a single value.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if not n:
        return np.nan, np.nan, np.nan, 0
    middle = float(known.mean() if centre == "mean" else np.median(known))
    if spread == "range":
        return middle, float(known.min()), float(known.max()), n
    if spread == "quantiles":
        low, high = np.quantile(known, [(1 - coverage) / 2, (1 + coverage) / 2])
        return middle, float(low), float(high), n
    if spread == "none" or n == 1:
        return middle, np.nan, np.nan, n
    reach = float(known.std(ddof=1)) / (np.sqrt(n) if spread == "se" else 1.0)
    return middle, float(middle - reach), float(middle + reach), n


def averaged(values: Floats, labels: NDArray[np.intp], n_labels: int) -> Floats:
    """Return the mean of the defined values with each label.

    Args:
        values: Shape ``(n,)``; NaN and infinite values are left out.
        labels: Shape ``(n,)``, from 0 to ``n_labels - 1``.
        n_labels: How many labels there are.

    Returns:
        Shape ``(n_labels,)``; ``nan`` for a label without a defined value.
    """
    known = np.isfinite(values)
    n = np.bincount(labels[known], minlength=n_labels)
    total = np.bincount(labels[known], values[known], n_labels)
    found = np.full(n_labels, np.nan)
    np.divide(total, n, out=found, where=n > 0)
    return found
