"""Mathematics of what lies along a route and was not minimised: data, labels, and how often it changes sides."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

VALUES_AT_ONCE = 2**22
"""Values and distances that are held together, in float64; bounds memory."""


class Nearest(NamedTuple):
    """The observation that is nearest to each point.

    Attributes:
        distance: Euclidean, float64, shape ``(k,)``, in the observations' unit.
        row: Which observation, shape ``(k,)``.
    """

    distance: Tensor
    row: Tensor


def nearest_observations(decoded: Tensor, observations: Iterable[Tensor]) -> Nearest:
    """Return the nearest observation of each decoded point, both flattened; of equals the first.

    Args:
        decoded: Shape ``(k, ...)``.
        observations: Blocks in order, each of shape ``(n, ...)``, the same but for the first axis; any may be empty.

    Returns:
        Rows are counted over all blocks. Where there is no observation at all, the distance is infinite and the row 0.
    """
    points = decoded.flatten(1).double()
    distance = torch.full((len(points),), torch.inf, dtype=torch.float64, device=points.device)
    row = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    n_before = 0
    for block in observations:
        if not len(block):
            continue
        others = block.flatten(1).to(points)
        at_once = max(1, VALUES_AT_ONCE // (len(others) + others.shape[1]))
        found = [torch.cdist(some, others).min(dim=1) for some in torch.split(points, at_once)]
        here = torch.cat([each.values for each in found])
        is_nearer = here < distance
        distance = torch.where(is_nearer, here, distance)
        row = torch.where(is_nearer, n_before + torch.cat([each.indices for each in found]), row)
        n_before += len(others)
    return Nearest(distance, row)


@accepts_arrays
def label_changes(labels: Tensor) -> int:
    """Return how often the label changes from one point of a route to the next, ``labels`` having shape ``(k,)``."""
    return int((labels[1:] != labels[:-1]).sum())


@accepts_arrays
def own_rate(labels: Tensor) -> float:
    """Return the share of a route's points with the label of one of its ends, ``labels`` having shape ``(k,)``."""
    return float(((labels == labels[0]) | (labels == labels[-1])).double().mean())
