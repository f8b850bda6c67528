"""Mean and spread of values over runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value; infinite where one is, NaN where one is or both infinities occur."""
    # statistics.fmean() raises an error of both infinities.
    return fmean(values) if all(map(math.isfinite, values)) else sum(values) / len(values)


def deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation of a sample.

    Returns:
        In the unit of the values; ``None`` of fewer than two, NaN where one is NaN or infinite.
    """
    if len(values) < 2:
        return None
    # statistics.stdev() raises an AttributeError of NaN and infinity.
    return stdev(values) if all(map(math.isfinite, values)) else math.nan
