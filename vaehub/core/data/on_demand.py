"""Observations that are read or computed batch by batch instead of kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class OnDemand:
    """Observations that are read or computed when a batch of them is requested.

    Attributes:
        n: Number of observations.
        shape: Shape of one observation.
        take: Maps row numbers, a tensor ``(k,)`` on the CPU, to observations ``(k, *shape)``, uint8 or float32. The
            same row always has the same values.
        in_unit_interval: Whether every value lies in [0, 1], as those of images do.
    """

    n: int
    shape: tuple[int, ...]
    take: Callable[[Tensor], Tensor]
    in_unit_interval: bool = True

    def __len__(self) -> int:
        return self.n

    @classmethod
    def mapped(cls, images: NDArray[np.uint8]) -> OnDemand:
        """Return the images of a memory-mapped array ``(n, h, w, c)`` or ``(n, h, w)`` of bytes, as ``(c, h, w)``."""
        values = images if images.ndim == 4 else images[..., None]
        n, height, width, channels = values.shape

        def take(rows: Tensor) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values[rows.numpy()].transpose(0, 3, 1, 2)))

        return cls(n, (channels, height, width), take)

    @classmethod
    def rendered(
        cls,
        n: int,
        shape: tuple[int, ...],
        render: Callable[[NDArray[np.int64]], NDArray[Any]],
        *,
        in_unit_interval: bool = True,
    ) -> OnDemand:
        """Return observations that a function computes from row numbers, as arrays."""
        return cls(n, shape, lambda rows: torch.from_numpy(render(rows.numpy())), in_unit_interval)

    def of(self, rows: Tensor) -> OnDemand:
        """Return the observations at some rows."""
        chosen = rows.cpu()
        return replace(self, n=len(chosen), take=lambda asked: self.take(chosen[asked]))

    def changed(self, change: Callable[[Tensor], Tensor]) -> OnDemand:
        """Return the observations with a function applied to each batch, which treats them one by one."""
        shape = tuple(change(self.take(torch.zeros(1, dtype=torch.int64))).shape[1:])
        return replace(self, shape=shape, take=lambda asked: change(self.take(asked)))
