"""Arrays in npz, npy, HDF5, safetensors and PyTorch files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, OnDemand, prepare
from vaehub.files import read_hdf5, unpack
from vaehub.plugins.datasets.own import matrix
from vaehub.plugins.datasets.own.annotation import Annotation, annotation_of
from vaehub.plugins.datasets.own.array_files import kept_as, opened
from vaehub.plugins.datasets.own.matrix import Array, Selection, blocks, limits, vectors
from vaehub.plugins.datasets.own.params import ArraysParams
from vaehub.plugins.datasets.own.roles import Names

IMAGES = ("images", "imgs", "x", "data", "arr_0", "X", "x_train", "vectors")
LABELS = ("labels", "label", "y", "targets", "target", "Y", "y_train")
FACTORS = ("factors", "latents_classes", "latents")
"""Common names of arrays, in order of search."""
ROUNDING = 1e-6
"""How far images may leave [0, 1]; :class:`vaehub.Dataset` clips them."""


@final
class Arrays(DataSource[ArraysParams]):
    """Images ``(n, h, w)``, ``(n, h, w, c)`` or ``(n, c, h, w)``, or vectors ``(n, p)``, with labels and factors.

    Bytes stand for 0 to 1 in steps of 1/255; booleans, and bytes and integers without any value above 1, stand for
    themselves. Floating-point images lie in [0, 1].
    """

    def load(self) -> Dataset:
        """Return the observations, with labels and factors if the file has them.

        Raises:
            TooLarge: If an array takes more bytes than it may.
            DataError: If an array is missing, holds objects, differs in length from the others, or does not fit.
        """
        with opened(self.params) as (listed, read):
            return self._loaded(listed, read)

    def _loaded(self, listed: list[str], read: Callable[[str], Array]) -> Dataset:
        params, path = self.params, self.params.path
        names = Names(path, "array", listed)
        images = names.one(params.images, IMAGES, "images")
        if images is None:
            if len(listed) != 1:
                raise DataError(
                    f"{path} holds {names.listed}; say which are the observations with '-s data.images=NAME'"
                )
            images = listed[0]
        array = read(images)
        label = names.one(params.labels, LABELS, "labels")
        if params.factors is None:
            factors: tuple[str, ...] = next(((name,) for name in FACTORS if name in listed), ())
        else:
            split = tuple(name.strip() for name in params.factors.split(","))
            factors = names.several((params.factors,) if params.factors in listed else split, "factors")
        beside = {name: self._whole(read(name), name) for name in (label, *factors) if name is not None}
        for name, values in beside.items():
            if values.shape[:1] != array.shape[:1]:
                raise DataError(
                    f"{path} holds {images!r} of shape {array.shape} and {name!r} of shape {values.shape}; they belong "
                    "together one by one: name others with 'data.labels' and 'data.factors', or 'none'"
                )
        self._check(array, images)
        known = annotation_of(
            params,
            path,
            labels=None if label is None else (label, beside[label]),
            factors=self._columns({name: beside[name] for name in factors}),
            incomplete=self._incomplete(array, images),
        )
        data = Dataset(
            self._observations(array, images, known),
            labels=known.labels,
            class_names=known.class_names,
            factors=known.factors,
            notes=(*self._notes(label, factors), *known.notes),
        )
        return prepare(data, params)

    def _whole(self, array: Array, name: str) -> NDArray[Any]:
        if isinstance(array, np.ndarray):
            return array
        return read_hdf5(array, self.params.bound, f"{self.params.path}, {name!r}")

    def _columns(self, factors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return each column of each array of factors; those of a single array are numbered without its name."""
        columns: dict[str, NDArray[Any]] = {}
        for name, values in factors.items():
            if values.dtype.kind not in "biufUSOmM" or values.ndim > 2 or not values[:1].size:
                raise DataError(
                    f"{self.params.path}, {name!r} is {values.shape} of {values.dtype}, and factors are (n, m) "
                    "numbers; '-s data.factors=NAME' takes others, and 'none' leaves them out"
                )
            if values.ndim == 1:
                columns[name] = values
                continue
            prefix = "factor" if len(factors) == 1 else name
            columns |= {f"{prefix}_{at}": column for at, column in enumerate(values.T)}
        return columns

    def _notes(self, label: str | None, factors: Sequence[str]) -> list[str]:
        notes = []
        if label is not None and self.params.labels is None:
            notes.append(f"{label!r} are taken for labels, by their name; '-s data.labels=none' leaves them out")
        if factors and self.params.factors is None:
            notes.append(f"{factors[0]!r} are taken for factors, by their name; '-s data.factors=none' leaves them out")
        return notes

    def _check(self, array: Array, name: str) -> None:
        title = f"{self.params.path}, {name!r}"
        if array.dtype.kind not in "biuf" or array.ndim not in (2, 3, 4) or 0 in array.shape:
            raise DataError(
                f"{title} is {array.shape} of {array.dtype}, and observations are (n, p), (n, h, w), (n, h, w, c) or "
                "(n, c, h, w) of numbers; name another with '-s data.images=NAME'"
            )
        if self.params.scale != "none" and array.ndim > 2:
            raise DataError(f"'data.scale' is for vectors, and {title} is images {array.shape}; rescale them first")

    def _incomplete(self, array: Array, name: str) -> dict[str, NDArray[np.bool_]]:
        """Return which vectors have missing values, where those are to be left out."""
        if self.params.missing == "refuse" or array.dtype.kind != "f" or array.ndim > 2:
            return {}
        return {name: np.concatenate([np.isnan(block).any(axis=1) for block in blocks(array)])}

    def _observations(self, array: Array, name: str, known: Annotation) -> torch.Tensor | OnDemand:
        title = f"{self.params.path}, {name!r}"
        if not isinstance(array, np.ndarray):
            # Reading single rows of a compressed HDF5 dataset is far too slow, and the file will be closed.
            whole = array
            if whole.nbytes > matrix.IN_MEMORY:
                array = unpack(kept_as(self.params, name), whole.shape, whole.dtype, lambda: blocks(whole))
            else:
                array = whole[:]
        if known.rows is not None:
            array = Selection(array, known.rows)
        if array.ndim == 2 and (array.dtype != np.uint8 or self.params.scale != "none"):
            return vectors(array, self.params.scale, title)
        arranged = self._arranged(array.shape, title)
        low, high = limits(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise DataError(f"{title} holds NaN or infinity; clean it first")
        rounding, most = (0, 255) if array.dtype.kind in "iu" else (ROUNDING, 1)
        # A wider type does not say that 255 is white.
        is_dark = array.dtype.kind in "iu" and array.dtype != np.uint8 and 1 < high <= most / 2
        if array.ndim > 2 and (is_dark or not (low >= -rounding and high <= most + rounding)):
            # Nine digits, because six would show 1.000002 as 1 and contradict the sentence.
            raise DataError(
                f"{title} lies in [{low:.9g}, {high:.9g}], and images lie in [0, 1], or are bytes, or wider integers "
                "up to 255 that come near it; divide them by the value of white"
            )
        convert = _conversion(array.dtype, high)
        if array.nbytes <= matrix.IN_MEMORY:
            return torch.from_numpy(arranged(convert(np.asarray(array[:]))))
        shape = arranged(np.empty((1, *array.shape[1:]), np.uint8)).shape[1:]
        return OnDemand.rendered(len(array), shape, lambda rows: arranged(convert(array[rows])))

    def _arranged(self, shape: tuple[int, ...], title: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
        if len(shape) == 2:
            return np.ascontiguousarray
        if len(shape) == 3:
            return lambda x: np.ascontiguousarray(x[:, None])
        first, last = shape[1] in (1, 3), shape[3] in (1, 3)
        layout = self.params.layout
        if layout == "auto" and first == last:
            raise DataError(
                f"{title} is {shape}, and which axis holds the channels is not clear; say '-s data.layout=nhwc'"
            )
        if layout == "nchw" or (layout == "auto" and first):
            return np.ascontiguousarray
        return lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def _conversion(dtype: np.dtype[Any], high: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    if dtype.kind == "f":
        return lambda x: x.astype(np.float32).clip(0, 1)
    if high <= 1:
        return lambda x: x.astype(np.uint8) * np.uint8(255)
    return lambda x: x.astype(np.uint8)
