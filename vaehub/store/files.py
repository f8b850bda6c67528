"""HDF5 files: written beside their place, flushed to disk, then renamed, so that none is ever half there.

The library is loaded by what reads or writes a file, since most answers from the store need none.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub.core.errors import StoreError
from vaehub.store.failures import translated

if TYPE_CHECKING:
    import h5py

PARTIAL = ".partial"
_PART = 1 << 20
"""Bytes that are copied at once."""


@dataclass(frozen=True)
class StoredFile:
    """A file that is whole and on disk."""

    name: str
    sha256: str


@dataclass(frozen=True)
class WrittenFile(StoredFile):
    """A file that no row points at yet, with name, shape and dtype of each array in it."""

    contents: tuple[tuple[str, tuple[int, ...], str], ...]


def write_arrays(folder: Path, stem: str, arrays: Mapping[str, NDArray[Any]]) -> WrittenFile:
    """Write arrays into a new file with a name of its own.

    No file is ever replaced, so rows that point at one stay true whatever other processes write.

    Args:
        folder: Where.
        stem: Beginning of the file's name.
        arrays: Arrays by name; a name may be a path.
    """
    with translated(f"a file in {str(folder)!r}", "written"), _partial(folder, stem) as path:
        with _image(path) as file:
            for name, array in arrays.items():
                file[name] = array
        checksum = sha256(path)
        name = f"{stem}-{secrets.token_hex(6)}.h5"
        publish(path, folder / name)
    contents = tuple((key, array.shape, str(array.dtype)) for key, array in arrays.items())
    return WrittenFile(name, checksum, contents)


def read_arrays(path: Path, checksum: str) -> dict[str, NDArray[Any]]:
    """Return all arrays of a file by name.

    Raises:
        StoreError: If the file is missing or not what was written.
    """
    if not path.is_file():
        raise StoreError(
            f"{path} is missing; 'vaehub verify' shows all that is, and what made it makes it again with '--force'"
        )
    with translated(str(path), "read"):
        if sha256(path) != checksum:
            raise StoreError(
                f"{path} is damaged: its sha256 should be {checksum}; what made it makes it again with '--force'"
            )
        return dict(_arrays(path))


def write_state(path: Path, arrays: Mapping[str, NDArray[Any]], plain: Mapping[str, Any]) -> None:
    """Replace a file of arrays and plain values, at once."""
    with _partial(path.parent, path.stem) as partial:
        with _image(partial) as file:
            for name, array in arrays.items():
                file[f"arrays/{name}"] = array
            # A dataset, since an attribute holds 64 KiB at most and a long history is longer.
            file["plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
            file["digest"] = _digest({name: np.asarray(array) for name, array in arrays.items()}, plain)
        publish(partial, path)


def read_state(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return what :func:`write_state` wrote.

    Raises:
        ValueError: If it is not what was written; a damaged file may also raise what the library makes of it.
    """
    found = dict(_arrays(path))
    plain, digest = json.loads(found.pop("plain").tobytes()), found.pop("digest")
    arrays = {name.removeprefix("arrays/"): array for name, array in found.items()}
    if not np.array_equal(_digest(arrays, plain), digest):
        raise ValueError("its content is not what was written")
    return arrays, plain


def copy_file(path: Path, folder: Path, checksum: str) -> bool:
    """Copy a file into a folder under its own name, and check what was read and what was written.

    Returns:
        Whether it was copied; it is not, if it is there already.

    Raises:
        StoreError: If it is missing or damaged, or cannot be written.
    """
    place = folder / path.name
    with translated(f"a file in {str(folder)!r}", "written"):
        folder.mkdir(parents=True, exist_ok=True)
        if place.is_file() and sha256(place) == checksum:
            return False
        with _partial(folder, path.stem) as partial, partial.open("wb") as copy:
            for part in _parts(path, checksum):
                copy.write(part)
            copy.close()
            if sha256(partial) != checksum:
                raise StoreError(f"a copy of {path} is not what was read: the disk of {str(folder)!r} may be faulty")
            publish(partial, place)
    return True


def digests(path: Path, checksum: str) -> dict[str, str]:
    """Return a digest of each array of a file, by name: of its type, its shape and its values.

    Raises:
        StoreError: If the file is missing or not what was written.
    """
    for _ in _parts(path, checksum):
        pass
    with translated(str(path), "read"):
        return {name: _digest({name: array}, {}).tobytes().hex() for name, array in _arrays(path)}


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(path: Path, place: Path) -> None:
    """Put a finished file in its place so that a crash at any moment leaves the old state or the new one."""
    flush(path)
    path.replace(place)
    flush(place.parent)


def _parts(path: Path, checksum: str) -> Iterator[bytes]:
    """Yield a file, and fail at its end if it is not what was written."""
    digest = hashlib.sha256()
    with translated(str(path), "read"), path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
            yield part
    if digest.hexdigest() != checksum:
        raise StoreError(
            f"{path} is damaged: its sha256 is {digest.hexdigest()}, and should be {checksum}; 'vaehub store rescue' "
            "makes a store of what is whole"
        )


@contextmanager
def _image(path: Path) -> Iterator[h5py.File]:
    """Make an HDF5 file in memory, and write it at the end.

    A file that HDF5 cannot write, as on a full disk, stays open inside the library and ends the process later.
    """
    import h5py

    with h5py.File(path, "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        content = file.id.get_file_image()
    path.write_bytes(content)


@contextmanager
def _partial(folder: Path, stem: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _arrays(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    import h5py

    found: list[str] = []

    def take(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(name)

    with h5py.File(path) as file:
        file.visititems(take)
        for name in found:
            yield name, np.asarray(file[name][()])


def _digest(arrays: Mapping[str, NDArray[Any]], plain: Mapping[str, Any]) -> NDArray[np.uint8]:
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {arrays[name].shape}".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def flush(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
