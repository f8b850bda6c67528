"""Samples that lie in a file: made earlier, or by another program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import DataError, DataSpec
from vaehub.files import map_npy

BYTE = 255


def samples_in(path: Path, spec: DataSpec) -> NDArray[np.generic]:
    """Return samples that can be compared with data, mapped into memory and read as they are used.

    Args:
        path: An npy file of an array ``(n, *shape)``: bytes from 0 to 255 for images, or values as data have them.
        spec: Of the data.

    Raises:
        DataError: If it is no such file, is cut off, holds something else than numbers, fewer than two samples, or
            samples of another shape.
    """
    found = map_npy(path)
    if not (found.dtype == np.uint8 or np.issubdtype(found.dtype, np.floating)):
        raise DataError(f"{path} holds {found.dtype}, and samples are bytes (uint8) or floating point; save them so")
    if found.shape[1:] != spec.shape:
        raise DataError(
            f"{path} holds an array of shape {found.shape}, and samples to compare with these data have shape "
            f"{('n', *spec.shape)}".replace("'", "")
        )
    if len(found) < 2:
        raise DataError(f"{path} holds {len(found)} samples, and 2 at least are needed")
    return found


def as_observations(samples: NDArray[np.generic], rows: Tensor, path: Path, *, in_unit_interval: bool) -> Tensor:
    """Return some samples with values as observations have them, float32.

    Raises:
        DataError: If values of floating point are beyond [0, 1] where the data's are not.
    """
    some = samples[rows.numpy()]
    x = torch.from_numpy(np.ascontiguousarray(some, dtype=np.float32))
    if samples.dtype == np.uint8:
        return x / BYTE
    if in_unit_interval and not bool(((x >= 0) & (x <= 1) | x.isnan()).all()):
        raise DataError(
            f"{path} holds values from {float(x.min()):g} to {float(x.max()):g}, and the data's are from 0 to 1; scale "
            "them, or save bytes (uint8)"
        )
    return x
