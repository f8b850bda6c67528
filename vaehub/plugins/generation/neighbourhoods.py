"""Precision and recall by balls around observations (Kynkäänniemi et al. 2019)."""

import torch
from torch import Tensor

from vaehub import VaehubError, task
from vaehub.analysis import accepts_arrays
from vaehub.plugins.generation.clusters import Coverage
from vaehub.plugins.generation.distances import squared_distances

PAIRS_AT_ONCE = 1 << 23
"""Pairs whose distances are in memory together; changes no result."""


@accepts_arrays
def knn_precision_recall(x: Tensor, y: Tensor, n_neighbours: int = 3) -> Coverage:
    """Return the share of data within the balls around samples, and of samples within those around data.

    Kynkäänniemi et al. 2019, Eqs. 1 to 3: the radius of a ball is the distance from its centre to the ``k``-th nearest
    other observation of the same set. Distances are Euclidean, between all pairs, and a point at the radius is inside.

    Args:
        x: Features of samples, shape ``(n, p)``.
        y: Features of data, shape ``(m, p)``.
        n_neighbours: The ``k``.

    Returns:
        Recall and precision, in this order, each in [0, 1].

    Raises:
        VaehubError: If numbers of features differ, a set has no ``k`` neighbours, or a feature is NaN or infinite.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise VaehubError(f"two sets of the same features are compared, got {tuple(x.shape)} and {tuple(y.shape)}")
    if min(len(x), len(y)) <= n_neighbours:
        raise VaehubError(
            f"{n_neighbours} neighbours cannot be found among {len(x)} samples and {len(y)} observations; ask for fewer"
        )
    if not bool(x.isfinite().all() & y.isfinite().all()):
        raise VaehubError("features that are NaN or infinite have no neighbours")
    # A common shift changes no distance, and points far from the origin would lose digits below.
    centre = y.double().mean(dim=0)
    x, y = x.double() - centre, y.double() - centre
    of_x, of_y = _radii(x, n_neighbours), _radii(y, n_neighbours)
    is_like_data = []
    is_reached = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    step = max(1, PAIRS_AT_ONCE // len(y))
    with task("neighbours", len(x)) as advance:
        for rows, radii in zip(torch.split(x, step), torch.split(of_x, step), strict=True):
            squares = squared_distances(rows, y)
            is_like_data.append((squares <= of_y).any(dim=1))
            is_reached |= (squares <= radii[:, None]).any(dim=0)
            advance(len(rows))
    return Coverage(float(is_reached.double().mean()), float(torch.cat(is_like_data).double().mean()))


def _radii(x: Tensor, k: int) -> Tensor:
    """Return the squared distance to the ``k``-th nearest other row, shape ``(n,)``."""
    found = []
    with task("radii", len(x)) as advance:
        for rows in torch.split(x, max(1, PAIRS_AT_ONCE // len(x))):
            # The nearest row is the row itself, or a copy of it at the same distance of 0.
            found.append(squared_distances(rows, x).kthvalue(k + 1, dim=1).values)
            advance(len(rows))
    return torch.cat(found)
