"""What people hand over as numbers, as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.core.errors import DataError


def shareable(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that a tensor may share memory with: contiguous and writable, copied only if it is not."""
    return np.require(array, requirements=["C", "W"])


def observations_in_memory(x: Tensor | NDArray[Any]) -> Tensor:
    """Return observations as bytes or single precision, contiguous; refuse what are no real numbers."""
    values = as_tensor(x, "observations")
    if values.is_complex():
        raise DataError(f"observations are real numbers, and these are {values.dtype}; give abs(x), or both parts")
    return (values if values.dtype == torch.uint8 else values.to(torch.float32)).contiguous()


def as_tensor(values: Tensor | NDArray[Any], what: str) -> Tensor:
    """Return numbers as a tensor; ``what`` names them where they are none."""
    if isinstance(values, Tensor):
        return values
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} are arrays of one shape, and a {type(values).__name__} of several came") from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{what} are numbers, and a {type(values).__name__} of type {array.dtype} came; vaehub.adapters.as_dataset "
            "reads data frames and torch datasets, and makes classes of words"
        )
    return torch.as_tensor(shareable(array))


def whole_numbers(values: Tensor, what: str) -> Tensor:
    """Return values as 64-bit integers; refuse those that are not whole."""
    whole = values.to(torch.int64)
    if not torch.equal(whole.to(values.dtype), values):
        raise DataError(f"{what} are whole numbers, and some of these are not")
    return whole


def row_numbers(name: str, rows: Tensor | NDArray[Any] | range, n: int) -> Tensor:
    """Return the rows of a split of ``n`` observations; refuse masks and numbers out of range."""
    given = as_tensor(np.asarray(rows) if isinstance(rows, range) else rows, f"rows of split {name!r}")
    if given.dtype == torch.bool:
        raise DataError(f"split {name!r} is given by the numbers of its rows, and this is a mask; use its nonzero()")
    found = whole_numbers(given, f"rows of split {name!r}")
    if found.ndim != 1 or (len(found) and not (int(found.min()) >= 0 and int(found.max()) < n)):
        raise DataError(f"rows of split {name!r} are numbers from 0 to {n - 1}, and some of these are not")
    return found
