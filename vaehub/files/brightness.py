"""Brightness of images whose values have more than 8 bits: which value is white, and the 8 bits that each becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub.core.errors import DataError

Range = tuple[float, float]
"""The smallest and the largest value."""

WHITES = (255, 65535)
"""Values that may be white where the type does not say it: of 8 and of 16 bits."""
ROUNDING = 1e-6
"""Share of white by which values may lie above it: they were rounded to single precision."""
DARKEST = 16
"""Values that are all below one part in this many of white are no image anybody would store so: white is another."""


def range_of(values: NDArray[Any], title: str) -> Range:
    """Return the smallest and the largest value.

    Raises:
        DataError: If a value is NaN or infinite.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{title} holds NaN or infinity; clean it first")
    return low, high


def white_of(found: Range, title: str, declared: float | None = None) -> float:
    """Return the value that stands for white, or refuse where that would be a guess.

    Args:
        found: Range of the values.
        title: Name of the images in messages, as the subject of a sentence in the singular.
        declared: Value that the type of the file says is white; ``None`` if it says none. Then it is 1 for values up to
            1, and 255 or 65535 for values up to that and beyond its half.

    Raises:
        DataError: If a value is negative, nothing fits, or all would be nearly black.
    """
    low, high = found
    if low < 0:
        raise DataError(f"{title} has values from {low:g} to {high:g}, and brightness begins at 0; rescale them first")
    white = declared
    if white is None:
        white = 1 if high <= 1 + ROUNDING else next((each for each in WHITES if each / 2 < high <= each), None)
    if white is None or 0 < high < white / DARKEST:
        reading = "the type does not say which is white" if white is None else f"nearly black if {white:g} is white"
        raise DataError(
            f"{title} has values from {low:g} to {high:g}, {reading}; say which value is white, such as "
            f"'-s data.white={_full_scale(high):g}'"
        )
    return white


def in_bytes(values: NDArray[Any], white: float, title: str) -> NDArray[np.uint8]:
    """Return values as bytes, of which 255 is white.

    Raises:
        DataError: If a value is NaN, negative, or above white.
    """
    low, high = range_of(values, title)
    if low < 0 or high > white * (1 + ROUNDING):
        raise DataError(f"{title} has values from {low:g} to {high:g}, beyond 0 to {white:g}, which is white")
    if white == WHITES[1] and values.dtype.kind in "iu":
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    return np.rint(values.astype(np.float64) * (255 / white)).clip(0, 255).astype(np.uint8)


def _full_scale(high: float) -> float:
    """Return the largest value of the fewest bits that hold a value."""
    return 1 if high <= 1 else float(2 ** int(np.ceil(np.log2(high + 1))) - 1)
