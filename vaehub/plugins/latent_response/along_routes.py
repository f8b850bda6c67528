"""Mathematics of what lies along a route and was not minimised: data, labels, and how often it changes sides."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

VALUES_AT_ONCE = 2**22
"""Distances that are held together; bounds memory, changes no result."""


class Nearest(NamedTuple):
    """The observation that is nearest to each point.

    Attributes:
        distance: Euclidean, float64, shape ``(k,)``, in the observations' unit.
        row: Which observation, shape ``(k,)``.
    """

    distance: Tensor
    row: Tensor


@accepts_arrays
def nearest_observations(decoded: Tensor, observations: Tensor) -> Nearest:
    """Return the nearest observation of each decoded point, both flattened.

    Args:
        decoded: Shape ``(k, ...)``.
        observations: Shape ``(n, ...)``, the same but for the first axis, at least one.
    """
    points, others = decoded.flatten(1).double(), observations.flatten(1).double()
    found = [
        torch.cdist(block, others).min(dim=1)
        for block in torch.split(points, max(1, VALUES_AT_ONCE // (len(others) + others.shape[1])))
    ]
    return Nearest(torch.cat([each.values for each in found]), torch.cat([each.indices for each in found]))


@accepts_arrays
def label_changes(labels: Tensor) -> int:
    """Return how often the label changes from one point of a route to the next, ``labels`` having shape ``(k,)``."""
    return int((labels[1:] != labels[:-1]).sum())


@accepts_arrays
def own_rate(labels: Tensor) -> float:
    """Return the share of a route's points with the label of one of its ends, ``labels`` having shape ``(k,)``."""
    return float(((labels == labels[0]) | (labels == labels[-1])).double().mean())
