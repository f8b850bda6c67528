"""The format of the NORB datasets: arrays with a short header, compressed with gzip."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError

INTEGER = np.dtype("<i4")
MAGIC = {np.dtype(np.uint8): 0x1E3D4C55, INTEGER: 0x1E3D4C54}
"""Types of values by the first four bytes, a little-endian integer."""

BLOCK = 16 << 20
"""Approximate number of bytes read at a time."""


def read_matrix(path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> NDArray[Any]:
    """Return a complete array; arguments and errors as for :func:`matrix_blocks`."""
    return np.concatenate([np.empty((0, *row), dtype), *matrix_blocks(path, dtype, row)])


def matrix_blocks(path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    """Yield an array in blocks of whole rows.

    The header is a code of the type, the number of axes, and the size of each axis, all little-endian 32-bit integers;
    with fewer than three axes, it still holds three sizes.

    Args:
        path: The file.
        dtype: Expected type.
        row: Expected shape of a row.

    Raises:
        DataError: If type or shape differ, or the file is damaged.
    """
    n_bytes = max(1, int(np.prod(row))) * dtype.itemsize
    try:
        with gzip.open(path) as stream:
            left = _n_rows(stream, path, dtype, row)
            while left:
                n = min(left, max(1, BLOCK // n_bytes))
                content = stream.read(n * n_bytes)
                if len(content) < n * n_bytes:
                    raise DataError(f"{path} ends {left} rows, or less, before its end; delete the file, or replace it")
                yield np.frombuffer(content, dtype).reshape(n, *row)
                left -= n
            # The checksum comes at the end of the stream, and is verified when that is reached.
            if stream.read(1):
                raise DataError(f"{path} goes on beyond the array in it; delete the file, or replace it")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); delete the file, or replace it") from error


def _n_rows(stream: gzip.GzipFile, path: Path, dtype: np.dtype[Any], row: tuple[int, ...]) -> int:
    n_axes = 1 + len(row)
    n = 2 + max(3, n_axes)
    content = stream.read(4 * n)
    header = np.frombuffer(content[: len(content) // 4 * 4], INTEGER).tolist()
    wanted = [MAGIC[dtype], n_axes, *row]
    if len(header) < n or [*header[:2], *header[3 : 2 + n_axes]] != wanted or header[2] < 1:
        raise DataError(
            f"{path} should start with {[*wanted[:2], 'n', *row]}, as 32-bit integers, and starts with "
            f"{header[: 2 + n_axes]}; delete the file, or replace it"
        )
    return int(header[2])
