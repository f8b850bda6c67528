"""Advice on observations that are too large for networks to start from."""

import math

from torch import Tensor

LARGE = 100
"""Absolute value from which observations are called large; standardised ones stay below."""


def advice_on_size(x: Tensor) -> str | None:
    """Return how to scale observations that are large, to end a message with; ``None`` if they are not, or hold NaN.

    Args:
        x: Some of the observations.
    """
    reach = float(x.abs().max())
    if not LARGE <= reach < math.inf:
        return None
    return (
        f"the observations reach {reach:.3g}, and networks start from values of about 1: scale them, "
        "vectors of your own with '-s data.scale=standard' (counts with log1p)"
    )
