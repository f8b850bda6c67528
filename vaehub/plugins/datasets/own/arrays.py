"""Arrays in npz, npy and HDF5 files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, Factors, OnDemand, prepare
from vaehub.files import map_npy, npz_blocks, npz_keys, unpack
from vaehub.plugins.datasets.own.params import ArraysParams

IN_MEMORY = 1 << 30
"""Bytes up to which an array is kept in memory; batches of a larger one are read on demand."""
AT_ONCE = 1 << 26
"""Bytes of a large array that are scanned or copied at a time."""

IMAGES = ("images", "imgs", "x", "data", "arr_0", "X", "x_train", "vectors")
LABELS = ("labels", "label", "y", "targets", "target", "Y", "y_train")
FACTORS = ("factors", "latents_classes", "latents")
"""Common names of arrays, in order of search."""

Array = Any
"""A numpy array or an HDF5 dataset: has a shape and a dtype, and returns rows when sliced."""
Contents = tuple[list[str], Callable[[str], Array]]
"""Names of the arrays in a file, and a function that reads one."""


@final
class Arrays(DataSource[ArraysParams]):
    """Images ``(n, h, w)``, ``(n, h, w, c)`` or ``(n, c, h, w)``, or vectors ``(n, p)``, with labels and factors.

    Bytes stand for 0 to 1 in steps of 1/255; booleans, and bytes and integers without any value above 1, stand for
    themselves. Floating-point images lie in [0, 1].
    """

    def load(self) -> Dataset:
        """Return the observations, with labels and factors if the file has them.

        Raises:
            DataError: If an array is missing, holds objects, differs in length from the others, or does not fit.
        """
        path = self.params.path
        names, read = {".npy": _npy, ".npz": _npz}.get(path.suffix.lower(), _hdf5)(self.params)
        images = self._named(names, self.params.images, IMAGES, "images")
        if images is None:
            if len(names) != 1:
                raise DataError(
                    f"{path} holds {_listed(names)}; say which are the observations with '-s data.images=NAME'"
                )
            images = names[0]
        observations = read(images)
        labels = self._named(names, self.params.labels, LABELS, "labels")
        factors = self._named(names, self.params.factors, FACTORS, "factors")
        for name in (labels, factors):
            if name is not None and read(name).shape[:1] != observations.shape[:1]:
                raise DataError(
                    f"{path} holds {images!r} of shape {observations.shape} and {name!r} of shape {read(name).shape}; "
                    "they belong together one by one"
                )
        data = Dataset(
            self._observations(observations, images),
            labels=None if labels is None else _classes(np.asarray(read(labels)), f"{path}, {labels!r}"),
            factors=None if factors is None else _factors(np.asarray(read(factors)), f"{path}, {factors!r}"),
        )
        return prepare(data, self.params)

    def _named(self, names: Sequence[str], given: str | None, usual: Sequence[str], what: str) -> str | None:
        if given is None:
            return next((name for name in usual if name in names), None)
        if given not in names:
            raise DataError(f"{self.params.path} has no array {given!r}, it has {_listed(names)}; set 'data.{what}'")
        return given

    def _observations(self, array: Array, name: str) -> torch.Tensor | OnDemand:
        title = f"{self.params.path}, {name!r}"
        if array.dtype.kind not in "biuf" or array.ndim not in (2, 3, 4) or 0 in array.shape:
            raise DataError(
                f"{title} is {array.shape} of {array.dtype}, and observations are (n, p), (n, h, w), (n, h, w, c) or "
                "(n, c, h, w) of numbers; name another with '-s data.images=NAME'"
            )
        arranged = self._arranged(array.shape, title)
        low, high = _range(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise DataError(f"{title} holds NaN or infinity; clean it first")
        if array.ndim > 2 and not (low >= 0 and high <= (255 if array.dtype.kind in "iu" else 1)):
            raise DataError(
                f"{title} lies in [{low:g}, {high:g}], and images lie in [0, 1], or in 0 to 255 as whole numbers"
            )
        convert = _conversion(array.dtype, array.ndim, high)
        if array.nbytes <= IN_MEMORY:
            return torch.from_numpy(arranged(convert(np.asarray(array[:]))))
        if not isinstance(array, np.ndarray):
            # Reading single rows of a compressed HDF5 dataset is far too slow.
            array = unpack(_kept_as(self.params, name), array.shape, array.dtype, lambda: _blocks(array))
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


def _npy(params: ArraysParams) -> Contents:
    array = map_npy(params.path)
    return [params.path.stem], lambda _: array


def _npz(params: ArraysParams) -> Contents:
    path = params.path

    def read(key: str) -> Array:
        header, blocks = npz_blocks(path, key)
        if header.n_bytes > IN_MEMORY:
            return unpack(_kept_as(params, key), header.shape, header.dtype, lambda: blocks)
        whole = list(blocks)
        return np.concatenate(whole) if whole else np.empty(header.shape, header.dtype)

    return npz_keys(path), read


def _hdf5(params: ArraysParams) -> Contents:
    import h5py

    path = params.path

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} cannot be read as an HDF5 file ({error}); replace it") from error
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names, lambda name: file[name]


def _kept_as(params: ArraysParams, name: str) -> str:
    return f"arrays-{params.content}-{name}".replace("/", "-")


def _range(array: Array) -> tuple[float, float]:
    if array.dtype == np.bool_:
        return 0.0, 1.0
    ranges = [(float(block.min()), float(block.max())) for block in _blocks(array)]
    # Unlike Python's, numpy's minimum and maximum propagate NaN.
    return float(np.min([low for low, _ in ranges])), float(np.max([high for _, high in ranges]))


def _blocks(array: Array) -> Any:
    rows = max(1, AT_ONCE // max(1, array.nbytes // len(array)))
    return (array[start : start + rows] for start in range(0, len(array), rows))


def _conversion(dtype: np.dtype[Any], n_axes: int, high: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    if dtype.kind == "f" or (n_axes == 2 and dtype != np.uint8):
        return lambda x: x.astype(np.float32)
    if high <= 1:
        return lambda x: x.astype(np.uint8) * np.uint8(255)
    return lambda x: x.astype(np.uint8)


def _classes(values: NDArray[Any], title: str) -> NDArray[np.int64]:
    if values.dtype == object and all(isinstance(value, str | bytes) for value in values.flat):
        values = values.astype(str)  # HDF5's variable-length text is read as objects
    if values.dtype.kind not in "biuUSf" or values.ndim != 1:
        raise DataError(f"{title} is {values.shape} of {values.dtype}, and labels are one number or word each")
    if values.dtype.kind in "biu" and (not len(values) or values.min() >= 0):
        return values.astype(np.int64)
    _, classes = np.unique(values, return_inverse=True)
    return classes.astype(np.int64)


def _factors(values: NDArray[Any], title: str) -> Factors:
    if values.dtype.kind not in "biuf" or values.ndim != 2 or not values.shape[1]:
        raise DataError(f"{title} is {values.shape} of {values.dtype}, and factors are (n, m) numbers")
    grids, columns = zip(*(np.unique(column, return_inverse=True) for column in values.T), strict=True)
    names = tuple(f"factor_{at}" for at in range(len(grids)))
    sizes = tuple(len(grid) for grid in grids)
    return Factors(
        names, sizes, torch.from_numpy(np.stack(columns, axis=1)), tuple(map(tuple, map(np.ndarray.tolist, grids)))
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "no arrays"
