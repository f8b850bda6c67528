"""The idx format: arrays with a short header."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub.core.errors import DataError

TYPES: dict[int, np.dtype[Any]] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
"""Type codes of the third byte of the header that occur in datasets."""


def parse_idx(content: bytes) -> NDArray[Any]:
    """Return the array of an uncompressed idx file of unsigned bytes or 32-bit integers.

    The header is two zero bytes, a type code, the number of axes, and each axis as a big-endian 32-bit integer.

    Raises:
        DataError: If the header or the length is wrong.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise DataError(f"it should start with 00 00 08 or 00 00 0c, got {content[:3].hex(' ') or 'nothing'}")
    dtype, n_axes = TYPES[content[2]], content[3]
    start = 4 + 4 * n_axes
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if len(shape) != n_axes or len(content) - start != n_bytes:
        raise DataError(f"shape {shape} takes {n_bytes} bytes, got {len(content) - start}")
    # A copy, in this machine's byte order: a tensor that shares memory must be writable, and the file's bytes are not.
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
