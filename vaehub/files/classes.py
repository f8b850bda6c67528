"""Classes of labels and factors: the distinct values are the classes, and what is missing is none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vaehub.core.data.factors import Factors
from vaehub.core.errors import DataError

MISSING_TEXTS = ("", "nan", "NaN", "<NA>", "NaT")
"""What numpy, pandas and CSV files write where a text is missing. Words such as ``none`` may be classes, and stay."""
NUMBERS = "biuf"
TEXTS = "SU"
TIMES = "mM"

Cut = Literal["widths", "quantiles"]
"""How a factor with many values is cut: into intervals of one width, or of about as many observations each."""


class Classes(NamedTuple):
    """Classes of some values.

    Attributes:
        codes: Class of each value, shape ``(n,)``, int64, counted from 0; -1 where the value is missing.
        names: Name of each class, in order of value.
        missing: Whether the value is missing, shape ``(n,)``.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    missing: NDArray[np.bool_]


def classes_of(values: ArrayLike, what: str = "labels") -> Classes:
    """Return the classes of labels: one for each distinct value, in ascending order.

    Values are numbers, words, truth values, bytes or times, and may be mixed, as in a column of Python objects: then
    those of equal text are one class. Missing are NaN, NaT, ``None``, pandas' NA, the empty text, and the texts that
    stand for them; -1 is a value like any other.

    Args:
        values: Shape ``(n,)`` or ``(n, 1)``.
        what: What they are, for the message.

    Raises:
        DataError: If there is more than one value for an observation, or values are none of these.
    """
    column = _column(values, what)
    missing = is_missing(column)
    known = column[~missing]
    if known.dtype == object:
        known = _alike(known)
    if known.dtype.kind == "S":
        known = np.char.decode(known, "utf-8", "backslashreplace")
    if known.dtype.kind not in NUMBERS + TEXTS + TIMES:
        raise DataError(f"{what} are {_kind(column)}, and should be one number or word each")
    distinct, places = np.unique(known, return_inverse=True)
    codes = np.full(len(column), -1, np.int64)
    codes[~missing] = places.reshape(-1)
    return Classes(codes, tuple(map(_name, distinct)), missing)


def is_missing(values: ArrayLike) -> NDArray[np.bool_]:
    """Return which values are missing, shape ``(n,)``; of values ``(n, m)``, which rows have a missing one."""
    array = _array(values)
    if array.dtype == object:
        found = np.fromiter((_is_missing_object(each) for each in array.flat), bool, array.size).reshape(array.shape)
    elif array.dtype.kind in "fc":
        found = np.isnan(array)
    elif array.dtype.kind in TIMES:
        found = np.isnat(array)
    elif array.dtype.kind in TEXTS:
        found = np.isin(array, np.array(MISSING_TEXTS, array.dtype.kind))
    else:
        found = np.zeros(array.shape, bool)
    return cast("NDArray[np.bool_]", found.reshape(len(array), -1).any(axis=1))


def factors_of(columns: Mapping[str, ArrayLike], *, bins: int | None = None, cut: Cut = "widths") -> Factors:
    """Return factors of variation from a column of values each.

    Args:
        columns: Values by name of factor, each of shape ``(n,)`` or ``(n, 1)``, none missing.
        bins: Number of intervals into which numbers are cut where they take more values than that; ``None`` makes each
            distinct value a class. Intervals that hold no observation are no class.
        cut: How they are cut. The value of an interval is the mean of what lies in it.

    Raises:
        DataError: If a value is missing or infinite, or is neither a number nor a word.
    """
    found = [_factor(_column(values, f"factor {name!r}"), name, bins, cut) for name, values in columns.items()]
    if not found:
        raise DataError("factors are at least one column of values, and there is none")
    codes, values, names = zip(*found, strict=True)
    classes = torch.from_numpy(np.stack(codes, axis=1))
    return Factors(tuple(columns), tuple(map(len, values)), classes, values, names)


def _factor(
    column: NDArray[Any], name: str, bins: int | None, cut: Cut
) -> tuple[NDArray[np.int64], tuple[float, ...], tuple[str, ...]]:
    codes, names, missing = classes_of(column, f"the values of factor {name!r}")
    if missing.any():
        raise DataError(f"factor {name!r} has {int(missing.sum())} missing values; leave these observations out")
    if column.dtype == object:
        column = _alike(column)
    if column.dtype.kind not in NUMBERS:
        return codes, tuple(map(float, range(len(names)))), names
    if not np.isfinite(column).all():
        raise DataError(f"factor {name!r} holds infinity; clean it first")
    if bins is not None and len(names) > bins:
        return _cut(column.astype(np.float64), bins, cut)
    return codes, tuple(np.unique(column).tolist()), names


def _cut(
    values: NDArray[np.float64], bins: int, cut: Cut
) -> tuple[NDArray[np.int64], tuple[float, ...], tuple[str, ...]]:
    if cut == "quantiles":
        edges = np.quantile(values, np.linspace(0, 1, bins + 1))
    else:
        edges = np.linspace(values.min(), values.max(), bins + 1)
    occupied, codes = np.unique(np.searchsorted(edges[1:-1], values, side="right"), return_inverse=True)
    means = np.bincount(codes, values) / np.bincount(codes)
    names = tuple(f"{edges[at]:.6g} to {edges[at + 1]:.6g}" for at in occupied)
    return codes.astype(np.int64), tuple(means.tolist()), names


def _array(values: ArrayLike) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _column(values: ArrayLike, what: str) -> NDArray[Any]:
    array = _array(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{what} have shape {array.shape}, and should be one number or word each")
    return array


def _is_missing_object(value: object) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return value in MISSING_TEXTS
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace") in MISSING_TEXTS
    return isinstance(value, float | np.floating | np.datetime64) and value != value


def _alike(values: NDArray[Any]) -> NDArray[Any]:
    """Return objects as one array of numbers, or of texts if any of them is one."""
    plain = [each.item() if isinstance(each, np.generic) else each for each in values]
    if all(isinstance(each, bool | int) for each in plain):
        whole = np.array(plain, None if plain else np.int64)
        # Integers beyond 64 bits would be rounded to floating point: they are kept as text.
        return whole if whole.dtype.kind in "biu" else np.array([str(each) for each in plain])
    if all(isinstance(each, bool | int | float) for each in plain):
        return np.array(plain, np.float64)
    if any(isinstance(each, list | tuple | dict | set | np.ndarray) for each in plain):
        return values
    texts = [each.decode("utf-8", "backslashreplace") if isinstance(each, bytes) else _name(each) for each in plain]
    return np.array(texts, np.str_)


def _name(value: object) -> str:
    """Return a class's name: the value as a person writes it."""
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else str(value)
    return str(value)


def _kind(array: NDArray[Any]) -> str:
    return f"objects such as {array.flat[0]!r}" if array.dtype == object and array.size else str(array.dtype)
