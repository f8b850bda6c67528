"""Arrays and tensors as observations: which axis is which, and what range the values have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.core.data.conversion import shareable
from vaehub.core.errors import DataError, first_line

Layout = Literal["auto", "nhwc", "nchw"]
"""Position of the channel axis of images."""
Range = tuple[float, float]
"""Values that stand for 0 and for 1."""

CHANNELS = (1, 3)
"""Lengths by which an axis is known to be that of channels."""
ROUNDING = 1e-6
"""How far images may leave [0, 1] by rounding errors; :class:`vaehub.Dataset` clips them."""
NUMBERS = "biuf"
"""Kinds of numpy's types that are numbers with one part."""


def numbers(data: Any, title: str) -> NDArray[Any]:
    """Return the values of a tensor, or of anything that numpy reads, on the CPU.

    Args:
        data: A tensor of any type and device, or an object with ``__array__`` or ``__dlpack__``.
        title: What it is, for messages.

    Raises:
        DataError: If it holds anything but numbers, or cannot be read.
    """
    try:
        array = _array(data)
    # A stranger's conversion runs here.
    except Exception as error:
        raise DataError(f"{title} cannot be read as an array: {first_line(error)}") from error
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.is_masked(array):
            raise DataError(f"{title} has {int(array.mask.sum())} masked values; fill or drop them")
        array = np.asarray(array)
    if array.dtype.kind == "c":
        raise DataError(f"{title} holds complex numbers; give real ones, such as abs(x), or both parts side by side")
    if array.dtype.kind not in NUMBERS:
        what = "Python objects" if array.dtype.kind == "O" else f"values of type {array.dtype}"
        example = f", such as {array.flat[0]!r:.40}" if array.size and array.dtype.kind != "V" else ""
        raise DataError(
            f"{title} holds {what}{example}, and observations are numbers; give x.astype('float32') if all of them are"
        )
    return array


def observations(values: NDArray[Any], title: str, layout: Layout, value_range: Range | None) -> Tensor:
    """Return observations ``(n, c, h, w)`` or ``(n, p)`` as a dataset keeps them.

    Bytes stand for 0 to 1 in steps of 1/255; booleans, and images or bytes of whole numbers none of which is above 1,
    stand for themselves; images of floating-point numbers lie in [0, 1]. This is how files of arrays are read too.

    Args:
        values: Numbers, images ``(n, h, w)``, ``(n, c, h, w)`` or ``(n, h, w, c)``, or vectors ``(n, p)``.
        title: What they are, for messages.
        layout: Position of the channel axis; ``auto`` takes an axis of length 1 or 3 if one alone is.
        value_range: Values that stand for 0 and for 1, where the rule above does not apply.

    Raises:
        DataError: If the axes can be read in two ways, there is nothing in them, or values are out of range.
    """
    arranged = _arranged(values, title, layout)
    _check_finite(arranged, title)
    if value_range is not None:
        scaled = _rescaled(arranged, title, value_range)
    elif arranged.dtype.kind == "f" or (arranged.ndim == 2 and arranged.dtype != np.uint8):
        with np.errstate(over="ignore"):  # refused below
            scaled = arranged.astype(np.float32, copy=False)
    else:
        scaled = _steps(arranged)
    if scaled.dtype == np.float32 and arranged.dtype.kind == "f" and not np.isfinite(scaled).all():
        raise DataError(f"{title} holds values beyond the range of 32-bit numbers; rescale them")
    _check_range(scaled if value_range is not None else arranged, title)
    return torch.from_numpy(shareable(scaled))


def stacked(items: Sequence[Any], title: str) -> NDArray[Any]:
    """Return a list of observations of one shape as one array.

    Raises:
        DataError: If there are none, their shapes differ, or one is not numbers.
    """
    if not len(items):
        raise DataError(f"{title} is empty; give at least one observation")
    arrays = [numbers(picture(item), f"{title}, observation {at},") for at, item in enumerate(items)]
    shapes: dict[tuple[int, ...], int] = {}
    for at, array in enumerate(arrays):
        shapes.setdefault(array.shape, at)
    if len(shapes) > 1:
        (one, first), (other, second) = list(shapes.items())[:2]
        raise DataError(
            f"{title} holds observations of different shapes, such as {one} (observation {first}) and {other} "
            f"(observation {second}); bring them to one shape"
        )
    return np.stack(arrays)


def picture(item: Any) -> Any:
    """Return a picture of Pillow as numbers that are its shades; anything else as it is.

    Raises:
        DataError: If its numbers are no shades: a palette's, or those of another space of colours.
    """
    mode = getattr(item, "mode", None)
    if not (isinstance(mode, str) and hasattr(item, "getbands")):
        return item
    if mode == "1":
        return np.asarray(item.convert("L"))
    if mode not in ("L", "RGB"):
        raise DataError(f"a picture has mode {mode!r}; convert it first: image.convert('RGB'), or 'L' for grey")
    return np.asarray(item)


def _array(data: Any) -> NDArray[Any]:
    if isinstance(data, Tensor):
        tensor = data.detach()
        tensor = tensor.dequantize() if tensor.is_quantized else tensor
        tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
        tensor = tensor.cpu().resolve_conj().resolve_neg()
        # numpy has no such types.
        is_short = tensor.is_floating_point() and tensor.element_size() < 4
        return (tensor.to(torch.float32) if is_short else tensor).numpy()
    if isinstance(data, np.ndarray):
        return data
    if not hasattr(data, "__array__") and hasattr(data, "__dlpack__"):
        return _array(torch.utils.dlpack.from_dlpack(data))
    return np.asarray(data)


def _arranged(values: NDArray[Any], title: str, layout: Layout) -> NDArray[Any]:
    shape = values.shape
    if values.ndim == 0:
        raise DataError(f"{title} is a single number; observations are vectors (n, p) or images")
    if 0 in shape:
        raise DataError(f"{title} is empty; give at least one observation")
    if values.ndim == 1:
        n = len(values)
        raise DataError(
            f"{title} is {n} numbers in a row: {n} observations of one value are x.reshape(-1, 1), and one observation "
            f"of {n} is x.reshape(1, -1)"
        )
    if values.ndim == 2:
        return values
    if values.ndim == 3:
        return values[:, None]
    if values.ndim > 4:
        raise DataError(
            f"{title} has {values.ndim} axes, and observations are (n, p), (n, h, w), (n, c, h, w) or (n, h, w, c); "
            "x.reshape(len(x), -1) makes vectors"
        )
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if layout == "auto" and first == last:
        _, a, b, c = shape
        raise DataError(
            f"{title} can be read as images of {b} x {c} in {a} channels and as images of {a} x {b} in {c} channels; "
            "say which it is: as_dataset(x, layout='nchw') or layout='nhwc'"
        )
    return values if layout == "nchw" or (layout == "auto" and first) else values.transpose(0, 3, 1, 2)


def _check_finite(values: NDArray[Any], title: str) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    broken = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    raise DataError(
        f"{title} holds NaN or infinity in {len(broken)} of {len(values)} observations, the first in row {broken[0]}; "
        "fill or drop them"
    )


def _steps(values: NDArray[Any]) -> NDArray[Any]:
    # What is out of range is refused later; here it must not wrap around unseen.
    if values.min() < 0 or values.max() > 255:
        return values
    return values.astype(np.uint8) * np.uint8(255) if values.max() <= 1 else values.astype(np.uint8, copy=False)


def _rescaled(values: NDArray[Any], title: str, value_range: Range) -> NDArray[Any]:
    low, high = value_range
    if not low < high:
        raise DataError(
            f"value_range is {value_range}, and should be the values that stand for 0 and 1, the lesser first"
        )
    if values.min() < low or values.max() > high:
        raise DataError(
            f"{title} lies in [{values.min():g}, {values.max():g}], which is not within value_range={value_range}"
        )
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    return ((values - low) / (high - low)).astype(np.float32)


def _check_range(values: NDArray[Any], title: str) -> None:
    if values.ndim == 2:
        return
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu":
        is_byte = values.dtype == np.uint8 or high <= 1 or high > 255 / 2
        if low >= 0 and high <= 255 and is_byte:
            return
    elif low >= -ROUNDING and high <= 1 + ROUNDING:
        return
    likely = next(
        (each for each in ((-1.0, 1.0), (0.0, 255.0), (0.0, 65535.0)) if each[0] <= low and high <= each[1]), None
    )
    # Of such integers, 255 is a guess that would be nearly black.
    likely = (0.0, high) if values.dtype.kind in "iu" and 1 < high <= 255 / 2 and low >= 0 else likely
    example = f"such as value_range=({likely[0]:g}, {likely[1]:g}), " if likely else ""
    raise DataError(
        f"{title} lies in [{low:.9g}, {high:.9g}], and images lie in [0, 1], or are bytes, or wider integers up to "
        f"255 that come near it; say what "
        f"stands for 0 and 1 with as_dataset(x, value_range=(LOW, HIGH)), {example}or give vectors: "
        "x.reshape(len(x), -1)"
    )
