"""The nearest neighbours of every observation: the table that all estimates are computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from vaehub import DataError
from vaehub.analysis import Array, where_double_is
from vaehub.plugins.intrinsic_dimension.duplicates import distinct_rows
from vaehub.plugins.intrinsic_dimension.nearest_neighbours import search

TREE = 8
"""Values of an observation up to which a tree is used; both searches are exact.

For 10,000 normal observations of 10 values a tree takes twice as long as matrix products, for 30 values eight times.
"""
LEAST, GREATEST = 1e-140, 1e140
"""Range of the greatest absolute value; beyond it squared differences would be zero or infinite."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest others of each observation that is not a copy of an earlier one.

    Attributes:
        distances: Euclidean, ascending, shape ``(n_distinct, k)``, float64.
        indices: Their numbers among the given observations, same shape, int64.
        rows: Numbers of the observations whose neighbours these are, shape ``(n_distinct,)``, ascending.
        n_duplicates: Exact copies, which were left out.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]
    rows: NDArray[np.int64]
    n_duplicates: int

    @property
    def k(self) -> int:
        """Number of neighbours of each observation."""
        return int(self.distances.shape[1])

    @property
    def is_apart(self) -> NDArray[np.bool_]:
        """Return which rows are at a distance above zero: all, unless squared differences underflow in float64."""
        return np.asarray(self.distances[:, 0] > 0)


def nearest(x: Array, k: int) -> Neighbours:
    """Return the ``k`` nearest neighbours of each observation, exactly.

    Copies are dropped first. Distances are square roots of sums of squared differences in float64; among
    neighbours whose distances differ by less than a relative 1e-12, any may be returned.

    Args:
        x: Observations, shape ``(n, …)``, flattened to ``(n, p)``; numpy or torch, on any device.
        k: Neighbours of each, itself not among them.

    Raises:
        DataError: If values are not finite, or no more than ``k`` observations are different.
    """
    values = _matrix(where_double_is(x) if isinstance(x, torch.Tensor) else x)
    rows = distinct_rows(values)
    n = len(values)
    if len(rows) <= k:
        copies = f", {n - len(rows)} of them copies of others" if len(rows) < n else ""
        raise DataError(
            f"{k} neighbours of each observation need {k + 1} different observations, and there are {len(rows)} "
            f"among the {n} given{copies}; give more, or ask for fewer neighbours"
        )
    different = values if len(rows) == n else values[rows]
    if values.device.type == "cpu" and values.shape[1] <= TREE:
        distances, indices = _tree(different, k)
    else:
        distances, indices = search(different, k)
    return Neighbours(distances.cpu().numpy(), rows[indices].cpu().numpy(), rows.cpu().numpy(), n - len(rows))


def _matrix(x: Array) -> Tensor:
    """Return observations as rows of finite floating-point numbers, float32 or float64."""
    values = torch.as_tensor(x).detach()
    if values.ndim < 2 or not values.numel():
        raise DataError(f"observations are rows of values, (n, p), and these have shape {tuple(values.shape)}")
    if values.is_complex():
        raise DataError(f"observations are real numbers, and these are {values.dtype}")
    if values.dtype not in (torch.float32, torch.float64):
        values = values.to(torch.float32 if values.element_size() <= 2 else torch.float64)
    values = values.flatten(1)
    # NaN propagates to both ends, so that no second array is needed to find it.
    least, greatest = (float(end) for end in torch.aminmax(values))
    largest = max(-least, greatest)
    if not (math.isfinite(least) and math.isfinite(greatest)):
        wrong = int((~values.isfinite()).any(dim=1).sum())
        raise DataError(f"{wrong} of {len(values)} observations have NaN or infinite values; leave them out")
    if largest > GREATEST or 0 < largest < LEAST:
        raise DataError(
            f"values of up to {largest:.3g} cannot be squared in float64; scale them to between {LEAST:g} "
            f"and {GREATEST:g}"
        )
    return values.contiguous()


def _tree(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the same as :func:`search`, by a k-d tree."""
    points: NDArray[Any] = x.double().numpy()
    distances, indices = cKDTree(points).query(points, k=k + 1, workers=torch.get_num_threads())
    # Each is among its own neighbours, unless so many are at distance 0 that it does not matter which is left out.
    is_self = indices == np.arange(len(points))[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    kept = ~is_self
    shape = (len(points), k)
    return torch.from_numpy(distances[kept].reshape(shape)), torch.from_numpy(indices[kept].reshape(shape))
