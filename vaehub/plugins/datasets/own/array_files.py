"""Arrays by name in npy, npz, HDF5, safetensors and PyTorch files. Nothing is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, first_line
from vaehub.files import Bound, hdf5_size, map_npy, npz_blocks, npz_keys, opened_hdf5, opened_zip, unpack
from vaehub.plugins.datasets.own import matrix
from vaehub.plugins.datasets.own.matrix import Array, check_size
from vaehub.plugins.datasets.own.params import ArraysParams

Contents = tuple[list[str], Callable[[str], Array]]
"""Names of the arrays in a file, and a function that reads one."""
DEEPEST, MOST = 32, 100_000
"""Containers inside each other, and all of them together, in which tensors are looked for."""


@contextmanager
def opened(params: ArraysParams) -> Iterator[Contents]:
    """Open a file, and find the arrays in it, each of which is read only if it takes no more than it may.

    Raises:
        TooLarge: If one that is asked for takes more bytes than it may.
        DataError: If it cannot be read, or has another format than its ending says.
    """
    readers = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}
    reader = readers.get(params.path.suffix.lower())
    if reader is not None:
        yield reader(params)
        return
    with opened_hdf5(params.path) as (file, names):
        yield names, lambda name: _hdf5(file[name], params.bound, f"{params.path}, {name!r}")


def kept_as(params: ArraysParams, name: str) -> str:
    """Return the name under which an array is unpacked into the cache."""
    return f"arrays-{params.content}-{name}".replace("/", "-")


def _npy(params: ArraysParams) -> Contents:
    array = map_npy(params.path)
    if params.max_bytes is not None:
        # Else it takes none: it is mapped as it lies in the file.
        check_size(params.bound, array.shape, array.dtype, str(params.path))
    return [params.path.stem], lambda _: array


def _npz(params: ArraysParams) -> Contents:
    path, bound = params.path, params.bound

    def read(key: str) -> Array:
        header, blocks = npz_blocks(path, key, bound)
        check_size(bound, header.shape, header.dtype, f"{path}, {key!r}")
        if header.n_bytes > matrix.IN_MEMORY:
            return unpack(kept_as(params, key), header.shape, header.dtype, lambda: blocks)
        whole = list(blocks)
        return np.concatenate(whole) if whole else np.empty(header.shape, header.dtype)

    return npz_keys(path, bound), read


def _hdf5(dataset: Any, bound: Bound, title: str) -> Array:
    bound.check(hdf5_size(dataset), f"the values of {title}")
    check_size(bound, dataset.shape, dataset.dtype, title)
    return dataset


def _safetensors(params: ArraysParams) -> Contents:
    from safetensors import SafetensorError, safe_open

    path, bound = params.path, params.bound
    try:
        file: Any = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path} cannot be read as a safetensors file ({first_line(error)}); replace it") from error

    def read(name: str) -> Array:
        title = f"{path}, {name!r}"
        # Half precision becomes single.
        check_size(bound, file.get_slice(name).get_shape(), np.dtype(np.float32), title)
        try:
            return _array(file.get_tensor(name), bound, title)
        except (SafetensorError, OSError, AttributeError) as error:
            raise DataError(f"{title} cannot be read ({first_line(error)}); replace the file") from error

    return list(file.keys()), read


def _torch(params: ArraysParams) -> Contents:
    path, bound = params.path, params.bound
    bound.check(path.stat().st_size, f"the contents of {path}")
    if zipfile.is_zipfile(path):
        # Tensors are written uncompressed; one that is not could be far larger than the file.
        with opened_zip(path, bound):
            pass
    try:
        # Else a sparse tensor with places outside it is read, and ends the interpreter when it is used.
        with torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
            stored = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged or foreign file can raise almost anything here.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as tensors alone ({first_line(error)[:150]}); save a tensor, or a dictionary of "
            "tensors, with torch.save"
        ) from error
    if isinstance(stored, torch.Tensor):
        return [path.stem], lambda _: _array(stored, bound, str(path))
    found = _leaves(stored, path)
    return list(found), lambda name: _array(found[name], bound, f"{path}, {name!r}")


def _leaves(stored: object, path: Path) -> dict[str, Any]:
    """Return the tensors, and the lists of plain values, in dictionaries and tuples, by their names in order."""
    found: dict[str, Any] = {}
    left: list[tuple[str, int, object, object]] = [("", 0, stored, None)]
    n = 0
    while left:
        name, depth, value, around = left.pop()
        if isinstance(value, torch.Tensor) or (_is_column(value) and isinstance(around, Mapping)):
            found[name] = value
            continue
        items: Sequence[tuple[Any, Any]] = ()
        if isinstance(value, Mapping):
            items = list(value.items())
        elif isinstance(value, list | tuple):
            items = list(enumerate(value))
        n += len(items)
        # A container may hold itself, or the same ones again and again.
        if depth > DEEPEST or n > MOST:
            raise DataError(
                f"{path} nests its tensors more than {DEEPEST} deep, or holds more than {MOST:,} values in lists and "
                "dictionaries; save a tensor, or a dictionary of tensors, with torch.save"
            )
        prefix = f"{name}/" if name else ""
        left += [(f"{prefix}{key}", depth + 1, each, value) for key, each in reversed(items)]
    return found


def _is_column(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str | int | float | None) for each in value)


def _array(value: Any, bound: Bound, title: str) -> NDArray[Any]:
    if not isinstance(value, torch.Tensor):
        return np.array(value, object)
    # A few stored values can stand for many: repeated along an axis, or with zeros in between.
    check_size(bound, value.shape, np.dtype(f"V{value.element_size()}"), title)
    try:
        tensor = value.detach().to_dense() if value.layout is not torch.strided else value.detach()
        # numpy has no bfloat16, nor the types of 8 bits.
        small = tensor.dtype.is_floating_point and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
        return (tensor.float() if small else tensor.resolve_neg()).numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise DataError(
            f"{title} is a tensor of {value.dtype} on {value.device}, of which numpy makes no array "
            f"({first_line(error)[:150]}); save plain numbers"
        ) from error
