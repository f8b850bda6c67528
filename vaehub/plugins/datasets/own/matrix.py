"""Matrices of observations, one a row: scaled by column, in memory or read on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, OnDemand
from vaehub.files import Bound
from vaehub.plugins.datasets.own.params import Scale

IN_MEMORY = 1 << 30
"""Bytes up to which an array is kept in memory; batches of a larger one are read on demand."""
AT_ONCE = 1 << 26
"""Bytes of a large array that are scanned or copied at a time."""

Array = Any
"""A numpy array, an HDF5 dataset or a view of one: has a shape and a dtype, and returns rows when indexed."""
Rescaling = Callable[[NDArray[Any]], NDArray[np.float64]]


class Selection:
    """Some rows and columns of a matrix, taken when they are asked for.

    Args:
        array: The matrix; returns rows when indexed by a slice or by ascending row numbers.
        rows: Ascending numbers of the rows that are left; ``None`` for all.
        columns: Numbers of the columns that are left; ``None`` for all.
    """

    def __init__(
        self, array: Array, rows: NDArray[np.int64] | None = None, columns: NDArray[np.int64] | None = None
    ) -> None:
        self._array, self._rows, self._columns = array, rows, columns
        n = array.shape[0] if rows is None else len(rows)
        self.shape = (n, *(array.shape[1:] if columns is None else (len(columns),)))
        self.dtype: np.dtype[Any] = array.dtype
        self.ndim = len(self.shape)
        self.nbytes = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: slice | NDArray[np.int64]) -> NDArray[Any]:
        found = self._array[key if self._rows is None else self._rows[key]]
        return np.asarray(found if self._columns is None else found[:, self._columns])


def check_size(bound: Bound, shape: Sequence[int], dtype: np.dtype[Any], title: str) -> None:
    """Check that an array may be read: as it is stored, or in single precision if it holds vectors.

    Args:
        bound: Bytes that it may take.
        shape: Its declared shape.
        dtype: Type of its values.
        title: What it is, for the message.

    Raises:
        TooLarge: If it takes more.
    """
    # Shades of grey stay bytes, and vectors become float32.
    least = 4 if len(shape) < 3 else 1
    bound.check(int(np.prod(shape, dtype=object)) * max(dtype.itemsize, least), f"the values of {title}")


def blocks(array: Array) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array in order, some at a time."""
    rows = max(1, AT_ONCE // max(1, array.nbytes // len(array)))
    return (np.asarray(array[start : start + rows]) for start in range(0, len(array), rows))


def limits(array: Array) -> tuple[float, float]:
    """Return the least and the greatest value of an array; NaN if there is any."""
    if array.dtype == np.bool_:
        return 0.0, 1.0
    ranges = [(float(block.min()), float(block.max())) for block in blocks(array)]
    # Unlike Python's, numpy's minimum and maximum propagate NaN.
    return float(np.min([low for low, _ in ranges])), float(np.max([high for _, high in ranges]))


def representable(low: float, high: float, title: str) -> None:
    """Refuse values beyond the range of float32, in which observations are kept.

    Raises:
        DataError: If the least or the greatest value is.
    """
    reach = max(abs(low), abs(high))
    if np.isfinite(reach) and reach > float(np.finfo(np.float32).max):
        raise DataError(
            f"{title} reaches {reach:.3g}, beyond the numbers of single precision; scale it with "
            "'-s data.scale=standard'"
        )


def rescaling(scale: Scale, every: Callable[[], Iterator[NDArray[Any]]], title: str) -> Rescaling:
    """Return the function that rescales rows by the statistics of all.

    Args:
        scale: How; ``none`` changes nothing.
        every: Yields all rows in blocks; may be called more than once.
        title: What they are, for the message.

    Raises:
        DataError: If logarithms are asked for of negative values.
    """
    if scale == "log1p":
        if min(float(block.min()) for block in every()) < 0:
            raise DataError(f"{title} has values below 0, and 'data.scale=log1p' is for counts; 'standard' scales any")
        return lambda x: np.log1p(x.astype(np.float64))
    if scale == "none":
        return lambda x: x.astype(np.float64)
    shift, width = _extent(every) if scale == "unit" else _moments(every)
    width = np.where(width > 0, width, 1)
    return lambda x: (x.astype(np.float64) - shift) / width


def _extent(every: Callable[[], Iterator[NDArray[Any]]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ends = [(block.min(axis=0), block.max(axis=0)) for block in every()]
    low = np.min([each for each, _ in ends], axis=0).astype(np.float64)
    return low, np.max([each for _, each in ends], axis=0).astype(np.float64) - low


def _moments(every: Callable[[], Iterator[NDArray[Any]]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, total = 0, np.float64(0)
    for block in every():
        n, total = n + len(block), total + block.astype(np.float64).sum(axis=0)
    mean = total / n
    squares = sum(np.square(block.astype(np.float64) - mean).sum(axis=0) for block in every())
    return np.asarray(mean), np.sqrt(squares / n)


def vectors(array: Array, scale: Scale, title: str) -> torch.Tensor | OnDemand:
    """Return the rows of a matrix as observations, float32, in memory unless they are many.

    Args:
        array: The matrix, shape ``(n, p)``, of numbers.
        scale: How columns are rescaled.
        title: What it is, for messages.

    Raises:
        DataError: If a value is NaN or infinite, or does not allow the scaling.
    """
    low, high = limits(array)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{title} holds NaN or infinity; clean it first, or leave NaN out with '-s data.missing=drop'")
    if scale == "none":
        representable(low, high, title)
    n_bytes = 4 * len(array) * array.shape[1]
    whole = np.asarray(array[:]) if n_bytes <= IN_MEMORY else None
    rescale = rescaling(scale, lambda: blocks(array) if whole is None else iter([whole]), title)
    if whole is not None:
        # Directly, where nothing is rescaled: the detour through double precision would only take memory.
        x = whole.astype(np.float32) if scale == "none" else rescale(whole).astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(x))
    # Logarithms of 1 + value lie in [0, 1] up to e - 1.
    least, most = {"unit": (-np.inf, np.inf), "log1p": (0, math.e - 1), "none": (0, 1)}.get(scale, (np.inf, -np.inf))
    return OnDemand.rendered(
        len(array),
        tuple(array.shape[1:]),
        lambda rows: np.ascontiguousarray(rescale(array[rows]).astype(np.float32)),
        in_unit_interval=least <= low and high <= most,
    )
