"""Samples from an npy file, drawn earlier or by another program."""

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
    """Return samples that can be compared with data, mapped into memory and read on use.

    Args:
        path: An npy file of an array ``(n, *shape)``: bytes for images, or values in the range of the data.
        spec: Shape and range of the data.

    Raises:
        DataError: If it is no npy file, is truncated, or does not hold at least two samples of the data's shape.
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
        raise DataError(f"{path} holds {len(found)} samples, and at least 2 are needed")
    return found


def as_observations(samples: NDArray[np.generic], rows: Tensor, path: Path, *, in_unit_interval: bool) -> Tensor:
    """Return some samples in the range of observations, float32.

    Raises:
        DataError: If floating-point values are outside [0, 1] and the data's are not.
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
