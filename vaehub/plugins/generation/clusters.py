"""Precision and recall of a distribution, by clusters of the pooled features (Sajjadi et al. 2018)."""

import math
from typing import NamedTuple

import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from vaehub import VaehubError, task
from vaehub.analysis import accepts_arrays

N_STARTS = 10
"""First centres from which each clustering chooses: Sajjadi et al. 2018, released code."""
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
    since they only decide clusters; shares are computed in float64.

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
    pooled = torch.cat([x, y]).cpu().numpy()
    random = generator or torch.Generator().manual_seed(0)
    curves = []
    with task("clusterings", n_clusterings) as advance:
        for _ in range(n_clusterings):
            seed = int(torch.randint(2**31, (), generator=random))
            means = MiniBatchKMeans(n_clusters, n_init=N_STARTS, random_state=seed)
            found = torch.from_numpy(means.fit(pooled).labels_).long()
            of_x, of_y = (torch.bincount(part, minlength=n_clusters).double() for part in torch.split(found, len(x)))
            curves.append(trade_off(of_x / len(x), of_y / len(y), n_angles))
            advance(1)
    precision, recall = (torch.stack(parts).mean(dim=0) for parts in zip(*curves, strict=True))
    return Curve(precision, recall)


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
