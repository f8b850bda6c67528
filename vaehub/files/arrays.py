"""Arrays of npy and npz files without unpickling, and arrays unpacked once so that they can be memory-mapped."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vaehub.core.errors import DataError
from vaehub.core.progress import task
from vaehub.files.archives import opened_zip
from vaehub.files.bounds import Bound
from vaehub.files.locations import cache_folder, lock
from vaehub.files.regular import check_regular

BLOCK = 32 << 20
"""Bytes unpacked at a time."""
WHOLE = 1 << 30
"""Bytes up to which an array that is stored by columns is turned in memory."""
LONGEST_HEADER = 10_000
"""Characters that numpy reads from the header of an untrusted file."""


@dataclass(frozen=True)
class Header:
    """Header of an array file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def n_bytes(self) -> int:
        """Size of the values in bytes."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def npz_keys(path: Path, bound: Bound | None = None) -> list[str]:
    """Return the names of the arrays in an npz file.

    Args:
        path: The file.
        bound: As for :func:`npz_blocks`.

    Raises:
        DataError: If it is not an npz file.
    """
    with opened_zip(path, bound) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def read_npz(path: Path, key: str) -> NDArray[Any]:
    """Return one array of an npz file, complete.

    Raises:
        DataError: If it is missing, holds objects, or the file is damaged.
    """
    with _member(path, key) as (stream, header):
        values = np.frombuffer(_read(stream, header.n_bytes, f"{path}, array {key!r},"), header.dtype)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def npz_blocks(path: Path, key: str, bound: Bound | None = None) -> tuple[Header, Iterator[NDArray[Any]]]:
    """Return the header of an array in an npz file, and its values in blocks of whole rows.

    Args:
        path: The file.
        key: Name of the array.
        bound: Bytes by which the contents may be larger than the file; ``None`` limits them by its size alone.

    Raises:
        DataError: Like :func:`read_npz`; also while the blocks are read.
    """
    with _member(path, key, bound) as (_, header):
        pass
    row = max(1, int(np.prod(header.shape[1:], dtype=object)) * header.dtype.itemsize)
    rows = max(1, BLOCK // row)

    def by_rows() -> Iterator[NDArray[Any]]:
        with _member(path, key, bound) as (stream, _):
            left = header.n_bytes
            while left:
                block = _read(stream, min(left, rows * row), f"{path}, array {key!r},")
                left -= len(block)
                yield np.frombuffer(block, header.dtype).reshape(-1, *header.shape[1:])

    def by_columns() -> Iterator[NDArray[Any]]:
        # The first row is complete only when nearly all is read, so the whole is kept, on disk where it is large.
        title = f"{path}, array {key!r},"
        with _member(path, key, bound) as (stream, _), ExitStack() as stack:
            if header.n_bytes <= WHOLE:
                values = np.frombuffer(_read(stream, header.n_bytes, title), header.dtype)
            else:
                values = _kept_on_disk(stream, header, stack, title)
            array = values.reshape(header.shape, order="F")
            yield from (array[start : start + rows] for start in range(0, len(array), rows))

    return header, by_columns() if header.fortran and len(header.shape) > 1 and header.n_bytes else by_rows()


def _kept_on_disk(stream: IO[bytes], header: Header, stack: ExitStack, title: str) -> NDArray[Any]:
    """Return the values of an array, in the order of the file, mapped from a temporary copy."""
    folder = cache_folder() / "unpacked"
    folder.mkdir(parents=True, exist_ok=True)
    _enough_room(folder, header.n_bytes, title)
    copy = stack.enter_context(TemporaryFile(dir=folder))  # noqa: SIM115 the stack closes it
    shutil.copyfileobj(stream, copy, BLOCK)
    copy.flush()
    return np.memmap(copy, header.dtype, "r", shape=(header.n_bytes // header.dtype.itemsize,))


def map_npy(path: Path) -> NDArray[Any]:
    """Return the memory-mapped array of an npy file, which is read as it is used.

    Raises:
        DataError: If it is not an npy file, is truncated, or holds objects.
    """
    check_regular(path)
    try:
        with path.open("rb") as stream:
            header = _header(stream, str(path))
            offset = stream.tell()
    except OSError as error:
        raise DataError(f"{path} cannot be read as an npy file ({error}); replace it") from error
    found = path.stat().st_size - offset
    if found != header.n_bytes:
        raise DataError(f"{path} should have {header.n_bytes} bytes of values, and has {found}; it was cut off")
    # Copy on write: a tensor may share its memory, and the file stays as it is.
    order: Any = "F" if header.fortran else "C"
    if not header.n_bytes:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "c", offset, header.shape, order)


def unpack(
    name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Callable[[], Iterable[NDArray[Any]]]
) -> NDArray[Any]:
    """Return an array that is too large for memory, mapped from the cache, to which the first call writes it.

    Args:
        name: Identifies the array: the dataset's name with the checksum of its source.
        shape: Shape of the whole array.
        dtype: Type of the values.
        blocks: Yields the rows in order, in blocks of any length.

    Raises:
        DataError: If the disk is too small, or the blocks do not add up to the shape.
    """
    path = cache_folder() / "unpacked" / f"{name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock(f"unpacked-{name}"):
            if not path.exists():
                _unpack(path, shape, dtype, blocks())
    return map_npy(path)


def _unpack(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]) -> None:
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    _enough_room(path.parent, n_bytes, path.stem)
    # The lock lets one process write at a time, so the remains of a killed one are overwritten and do not pile up.
    part, n = path.with_name(f"{path.stem}.part"), 0
    try:
        with part.open("wb") as stream, task(f"unpacking {path.stem}", shape[0]) as advance:
            npy.write_array_header_1_0(
                stream, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            )
            for block in blocks:
                if block.shape[1:] != shape[1:]:
                    raise DataError(
                        f"{path.stem} should have rows of shape {shape[1:]}, and its source has {block.shape[1:]}; "
                        "replace the source"
                    )
                stream.write(np.ascontiguousarray(block, dtype).tobytes())
                n += len(block)
                advance(len(block))
            stream.flush()
            os.fsync(stream.fileno())
        if n != shape[0]:
            raise DataError(f"{path.stem} should have {shape[0]} rows, and its source has {n}; replace the source")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _enough_room(folder: Path, n_bytes: int, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB left and unpacking {name} takes {n_bytes / 1e9:.1f} GB; "
            "make room, or set XDG_CACHE_HOME to a folder on a larger disk"
        )


@contextmanager
def _member(path: Path, key: str, bound: Bound | None = None) -> Iterator[tuple[IO[bytes], Header]]:
    with opened_zip(path, bound) as archive:
        try:
            info = archive.getinfo(f"{key}.npy")
        except KeyError:
            names = ", ".join(repr(name.removesuffix(".npy")) for name in archive.namelist()) or "nothing"
            raise DataError(f"{path} has no array {key!r}; it has {names}") from None
        title = f"{path}, array {key!r},"
        with archive.open(info) as stream:
            header = _header(stream, title)
            # The size in the archive's directory was limited on opening, so this limits what is read.
            if info.file_size - stream.tell() != header.n_bytes:
                raise DataError(
                    f"{title} should have {header.n_bytes} bytes of values, and has {info.file_size - stream.tell()}; "
                    "replace the file"
                )
            yield stream, header


def _header(stream: IO[bytes], title: str) -> Header:
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        n_bytes = stream.read(2 if version == (1, 0) else 4)
        # No more than a header needs, whatever it claims: as much would be allocated.
        text = stream.read(min(int.from_bytes(n_bytes, "little"), LONGEST_HEADER))
        shape, fortran, dtype = read(io.BytesIO(n_bytes + text))
        # This allocates nothing, and refuses shapes that no array can have, such as negative sizes.
        np.broadcast_to(np.empty((), dtype), shape)
    # Parsing a malformed header can raise many exceptions.
    except Exception as error:
        raise DataError(f"{title} cannot be read as an npy file ({error}); replace it") from error
    if dtype.hasobject:
        raise DataError(f"{title} holds Python objects, which can run code when they are read; save plain numbers")
    if not dtype.itemsize:
        raise DataError(f"{title} holds empty texts; save plain numbers")
    return Header(shape, dtype, fortran)


def _read(stream: IO[bytes], n_bytes: int, title: str) -> bytes:
    """Return the next bytes of an array: no more than its declared size, because the data may go on far beyond it."""
    content = stream.read(n_bytes)
    if len(content) != n_bytes:
        raise DataError(f"{title} ends {n_bytes - len(content)} bytes early; replace the file")
    return content
