"""Arrays by name in npy, npz, HDF5, safetensors and PyTorch files. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, first_line
from vaehub.files import map_npy, npz_blocks, npz_keys, unpack
from vaehub.plugins.datasets.own import matrix
from vaehub.plugins.datasets.own.matrix import Array
from vaehub.plugins.datasets.own.params import ArraysParams

Contents = tuple[list[str], Callable[[str], Array]]
"""Names of the arrays in a file, and a function that reads one."""


def contents(params: ArraysParams) -> Contents:
    """Return the arrays in a file.

    Raises:
        DataError: If it cannot be read, or is of another kind than its ending says.
    """
    readers = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}
    return readers.get(params.path.suffix.lower(), _hdf5)(params)


def kept_as(params: ArraysParams, name: str) -> str:
    """Return the name under which an array is unpacked into the cache."""
    return f"arrays-{params.content}-{name}".replace("/", "-")


def _npy(params: ArraysParams) -> Contents:
    array = map_npy(params.path)
    return [params.path.stem], lambda _: array


def _npz(params: ArraysParams) -> Contents:
    path = params.path

    def read(key: str) -> Array:
        header, blocks = npz_blocks(path, key)
        if header.n_bytes > matrix.IN_MEMORY:
            return unpack(kept_as(params, key), header.shape, header.dtype, lambda: blocks)
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


def _safetensors(params: ArraysParams) -> Contents:
    from safetensors import SafetensorError, safe_open

    path = params.path
    try:
        file: Any = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path} cannot be read as a safetensors file ({first_line(error)}); replace it") from error
    return list(file.keys()), lambda name: _array(file.get_tensor(name))


def _torch(params: ArraysParams) -> Contents:
    path = params.path
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged or foreign file can raise almost anything here.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as tensors alone ({first_line(error)[:150]}); save a tensor, or a dictionary of "
            "tensors, with torch.save"
        ) from error
    if isinstance(stored, torch.Tensor):
        return [path.stem], lambda _: _array(stored)
    found = dict(_leaves(stored))
    return list(found), lambda name: _array(found[name])


def _leaves(stored: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the tensors, and the lists of plain values, in dictionaries and tuples, by path."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(stored, Mapping):
        items = list(stored.items())
    elif isinstance(stored, list | tuple):
        items = list(enumerate(stored))
    for name, value in items:
        path = f"{prefix}{name}"
        if isinstance(value, torch.Tensor) or (_is_column(value) and isinstance(stored, Mapping)):
            yield path, value
        else:
            yield from _leaves(value, f"{path}/")


def _is_column(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str | int | float | None) for each in value)


def _array(value: Any) -> NDArray[Any]:
    if not isinstance(value, torch.Tensor):
        return np.array(value, object)
    tensor = value.detach().to_dense() if value.layout is not torch.strided else value.detach()
    # numpy has no bfloat16, nor the types of 8 bits.
    small = tensor.dtype.is_floating_point and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
    return (tensor.float() if small else tensor.resolve_neg()).numpy()
