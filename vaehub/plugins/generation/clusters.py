"""Precision and recall of a distribution, by clusters of the pooled features (Sajjadi et al. 2018)."""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from vaehub import VaehubError, task
from vaehub.analysis import accepts_arrays
from vaehub.plugins.generation.distances import squared_distances

N_STARTS = 10
"""First centres from which each clustering chooses: Sajjadi et al. 2018, released code."""
START_ROWS = 3 * 1024
"""Rows among which first centres are looked for, scikit-learn's default; where there are no more, these are all."""
MARGIN = 1e-10
"""Distance of the first and the last angle from 0 and a right angle, in radians: released code."""
BETA = 8.0


class Coverage(NamedTuple):
    """Recall and precision, each in [0, 1].

    Attributes:
        recall: Share of the data that samples reach; by clusters, the greatest F8.
        precision: Share of the samples that resemble data; by clusters, the greatest F1/8.
    """

    recall: float
    precision: float


class Curve(NamedTuple):
    """The trade-off between precision and recall, from greatest recall to greatest precision.

    Attributes:
        precision: Shape ``(n_angles,)``, in [0, 1], rising.
        recall: Same shape, falling.
    """

    precision: Tensor
    recall: Tensor


@accepts_arrays
def precision_recall(
    x: Tensor,
    y: Tensor,
    n_clusters: int = 20,
    n_angles: int = 1001,
    n_clusterings: int = 10,
    generator: torch.Generator | None = None,
) -> Coverage:
    """Return recall, the greatest F8, and precision, the greatest F1/8, of the curve by clusters.

    Sajjadi et al. 2018, Section 4.2, as are the defaults; see :func:`precision_recall_curve`.

    Args:
        x: Features of samples, shape ``(n, p)``.
        y: Features of data, shape ``(n, p)``.
        n_clusters: Clusters of the pooled features.
        n_angles: Points of the curve.
        n_clusterings: Clusterings over which the curve is averaged.
        generator: Starts the clusterings, on the CPU; one with the seed 0 if not given.

    Returns:
        F8 and F1/8, in this order, each in [0, 1]: 1 for identical sets, and 0 for sets without a common cluster.

    Raises:
        VaehubError: As :func:`precision_recall_curve`.
    """
    curve = precision_recall_curve(x, y, n_clusters, n_angles, n_clusterings, generator)
    return Coverage(best_f(*curve, beta=BETA), best_f(*curve, beta=1 / BETA))


@accepts_arrays
def precision_recall_curve(
    x: Tensor,
    y: Tensor,
    n_clusters: int = 20,
    n_angles: int = 1001,
    n_clusterings: int = 10,
    generator: torch.Generator | None = None,
) -> Curve:
    """Return the trade-off of precision and recall, averaged over clusterings of both sets together.

    Sajjadi et al. 2018, Section 3.3: mini-batch k-means, then histograms over clusters. Features keep their dtype,
    since they only decide clusters; shares are computed in float64. Up to ``START_ROWS`` rows, all clusterings look for
    their first centres among the same rows, whose distances are computed once: scikit-learn spends nine tenths of its
    time on computing them again for each.

    Args:
        x: Features of samples, shape ``(n, p)``.
        y: Features of data, shape ``(n, p)``; as many, since unequal clusters would favour the larger set.
        n_clusters: Clusters of the pooled features.
        n_angles: Points of the curve.
        n_clusterings: Clusterings, each from another start.
        generator: Starts the clusterings, on the CPU; one with the seed 0 if not given.

    Raises:
        VaehubError: If shapes differ, there are fewer features than clusters, or one is NaN or infinite.
    """
    if x.ndim != 2 or x.shape != y.shape or not x.shape[1]:
        raise VaehubError(
            f"precision and recall by clusters compare as many samples as data, (n, p) both, got shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    if 2 * len(x) < n_clusters:
        raise VaehubError(f"{2 * len(x)} rows cannot be put into {n_clusters} clusters; ask for fewer")
    if not bool(x.isfinite().all() & y.isfinite().all()):
        raise VaehubError("features that are NaN or infinite are in no cluster")
    both = torch.cat([x, y])
    pooled, start = both.cpu().numpy(), _start(both)
    random = generator or torch.Generator().manual_seed(0)
    curves = []
    with task("clusterings", n_clusterings) as advance:
        for _ in range(n_clusterings):
            seed = int(torch.randint(2**31, (), generator=random))
            means = MiniBatchKMeans(
                n_clusters, init=start, n_init=N_STARTS, init_size=max(START_ROWS, n_clusters), random_state=seed
            )
            found = torch.from_numpy(means.fit(pooled).labels_).long()
            of_x, of_y = (torch.bincount(part, minlength=n_clusters).double() for part in torch.split(found, len(x)))
            curves.append(trade_off(of_x / len(x), of_y / len(y), n_angles))
            advance(1)
    precision, recall = (torch.stack(parts).mean(dim=0) for parts in zip(*curves, strict=True))
    return Curve(precision, recall)


def first_centres(squares: NDArray[np.float64], n: int, random: np.random.RandomState) -> NDArray[np.intp]:
    """Return rows from which k-means starts, by greedy k-means++, drawn as scikit-learn draws them.

    Arthur & Vassilvitskii 2007, Section 2.2: each next row is drawn with a probability proportional to its squared
    distance from the nearest one chosen so far; of a few such draws the one is taken that leaves the smallest sum.

    Args:
        squares: Squared distances of all rows from each other, shape ``(m, m)``.
        n: How many centres, at most ``m``.
        random: Draws them.

    Returns:
        Numbers of the rows, shape ``(n,)``.
    """
    n_draws = 2 + int(math.log(n))
    chosen = [int(random.choice(len(squares), p=np.full(len(squares), 1 / len(squares))))]
    nearest = squares[chosen[0]]
    for _ in range(1, n):
        drawn = np.searchsorted(np.cumsum(nearest), random.uniform(size=n_draws) * nearest.sum())
        # Rounding may carry a draw beyond the last row.
        drawn = drawn.clip(max=len(squares) - 1)
        after = np.minimum(nearest, squares[drawn])
        best = int(after.sum(axis=1).argmin())
        chosen.append(int(drawn[best]))
        nearest = after[best]
    return np.array(chosen)


def _start(rows: Tensor) -> Any:
    """Return how scikit-learn's k-means finds its first centres: from distances computed once, if it sees all rows."""
    if len(rows) > START_ROWS:
        return "k-means++"
    # A common shift changes no distance, and points far from the origin would lose digits.
    centred = rows.double() - rows.double().mean(dim=0)
    squares = squared_distances(centred, centred).cpu().numpy()

    def start(x: NDArray[Any], n: int, random_state: np.random.RandomState) -> NDArray[Any]:
        return x[first_centres(squares, n, random_state)]

    return start


@accepts_arrays
def trade_off(x: Tensor, y: Tensor, n_angles: int = 1001) -> Curve:
    """Return precision and recall of one histogram with respect to another.

    Sajjadi et al. 2018, Algorithm 1 and Eq. 7, for slopes that are tangents of angles between 0 and a right angle:
    ``precision = sum min(slope y, x)`` and ``recall = precision / slope``.

    Args:
        x: Shares of samples in each cluster, shape ``(k,)``, in sum 1.
        y: Shares of data, same shape.
        n_angles: Points of the curve.
    """
    angles = torch.linspace(MARGIN, math.pi / 2 - MARGIN, n_angles, dtype=torch.float64, device=x.device)
    slopes = angles.tan()
    precision = torch.minimum(slopes[:, None] * y, x).sum(dim=1)
    # Rounding must not carry a sum of shares over 1.
    return Curve(precision.clamp(0, 1), (precision / slopes).clamp(0, 1))


@accepts_arrays
def best_f(precision: Tensor, recall: Tensor, beta: float) -> float:
    """Return the greatest F score on a curve: ``(1 + beta^2) p r / (beta^2 p + r)``.

    Sajjadi et al. 2018, Section 4.2. Recall weighs ``beta`` times as much as precision. Where both are 0, so is F.

    Args:
        precision: Shape ``(n_angles,)``.
        recall: Same shape.
        beta: The weight, above 0.
    """
    weighted = beta**2 * precision + recall
    scores = (1 + beta**2) * precision * recall / weighted.where(weighted > 0, torch.ones_like(weighted))
    return float(scores.max())
