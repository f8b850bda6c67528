"""Classes from labels of any values: numbers, words, truth values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

MISSING = -1
"""Class of an observation whose label is missing."""


def classes_of(values: Iterable[Any]) -> tuple[Tensor, tuple[str, ...]]:
    """Return the class of each value, and the names of the classes.

    Classes are the distinct values: numbers in ascending order, then words in the order of the alphabet. What is
    missing (``None``, NaN, and what pandas has for it) has no class.

    Args:
        values: One label for each of ``n`` observations.

    Returns:
        Classes, shape ``(n,)``, int64, counted from 0, ``-1`` where a value is missing; and a name for each class.
    """
    plain = [_plain(value) for value in values]
    known = sorted({value for value in plain if value is not None}, key=_order)
    code = {value: at for at, value in enumerate(known)}
    classes = torch.tensor([MISSING if value is None else code[value] for value in plain], dtype=torch.int64)
    return classes, tuple(map(str, known))


def _plain(value: Any) -> Any:
    """Return a value as Python has it; ``None`` for what is missing."""
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    # pandas' NA and NaT have no truth value, or are not equal to themselves.
    is_missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    return None if is_missing or (isinstance(value, float) and math.isnan(value)) else value


def _order(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, bool | int | float) else (1, str(value))
