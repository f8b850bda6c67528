"""Distances between two sets of features: Fréchet (FID) and kernel (KID); precision and recall."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub import VaehubError, task
from vaehub.analysis import accepts_arrays
from vaehub.plugins.generation.clusters import (
    Coverage,
    Curve,
    best_f,
    precision_recall,
    precision_recall_curve,
    trade_off,
)
from vaehub.plugins.generation.neighbourhoods import knn_precision_recall

__all__ = [
    "Coverage",
    "Curve",
    "FrechetTerms",
    "KernelDistances",
    "best_f",
    "frechet_distance",
    "frechet_terms",
    "kernel_distance",
    "knn_precision_recall",
    "polynomial_mmd2",
    "precision_recall",
    "precision_recall_curve",
    "trade_off",
]


class FrechetTerms(NamedTuple):
    """The two terms of a Fréchet distance, in squared units of the features.

    Attributes:
        mean: Squared distance of the means.
        covariance: Term of the covariances.
    """

    mean: float
    covariance: float


class KernelDistances(NamedTuple):
    """Squared kernel discrepancies of subsets.

    Attributes:
        mean: Over the subsets.
        sd: Standard deviation over the same subsets, divided by their number.
        values: Discrepancy of each subset, shape ``(n_subsets,)``, float64.
    """

    mean: float
    sd: float
    values: Tensor


@accepts_arrays
def frechet_distance(x: Tensor, y: Tensor) -> float:
    """Return the squared Fréchet distance of two Gaussians with the moments of two sets of features.

    Heusel et al. 2017, Eq. 6: ``|m_x - m_y|^2 + Tr(C_x + C_y - 2 (C_x C_y)^(1/2))``, covariances divided by n - 1. With
    features of Inception it is FID. See :func:`frechet_terms`, whose sum it is.

    Args:
        x: Features of one set, shape ``(n, p)``.
        y: Features of the other, shape ``(m, p)``.

    Returns:
        Distance in squared units of the features, at least 0; ``nan`` if a feature is NaN or infinite.

    Raises:
        VaehubError: If features are not of one size, or a set has fewer than two.
    """
    return sum(frechet_terms(x, y))


@accepts_arrays
def frechet_terms(x: Tensor, y: Tensor) -> FrechetTerms:
    """Return both terms of the Fréchet distance.

    The released codes of FID take the square root of the matrix ``C_x C_y``, which is not symmetric, so that rounding
    gives complex numbers that are thrown away, and fails if it is singular. Here, with triangular factors of the
    centred features, ``R_x' R_x = C_x`` and ``R_y' R_y = C_y``, the trace of that root is the sum of the singular
    values of ``R_x R_y'``: real and not negative however few the samples are, and precise, since no covariance squares
    the condition number.

    Args:
        x: Features of one set, shape ``(n, p)``.
        y: Features of the other, shape ``(m, p)``.

    Returns:
        Both terms, at least 0; ``nan`` if a feature is NaN or infinite.

    Raises:
        VaehubError: If features are not of one size, or a set has fewer than two.
    """
    x, y = _doubles(x, y)
    if not bool(x.isfinite().all() & y.isfinite().all()):
        return FrechetTerms(float("nan"), float("nan"))
    shift = (x.mean(dim=0) - y.mean(dim=0)).square().sum()
    of_x, of_y = _factor(x), _factor(y)
    spread = of_x.square().sum() + of_y.square().sum() - 2 * torch.linalg.svdvals(of_x @ of_y.mT).sum()
    # Equal covariances leave a rounding error, which must not make a distance negative.
    return FrechetTerms(float(shift), float(spread.clamp(min=0)))


@accepts_arrays
def polynomial_mmd2(x: Tensor, y: Tensor, degree: int = 3) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy with a polynomial kernel.

    Bińkowski et al. 2018, Eq. 4 and Section 4, with ``k(a, b) = (a'b / p + 1)^3``. Pairs of an observation with itself
    are left out.

    Args:
        x: Features of one set, shape ``(n, p)``.
        y: Features of the other, shape ``(m, p)``.
        degree: Degree of the kernel.

    Returns:
        Discrepancy, without unit; around 0, and so below 0 half of the time, for two sets of one distribution. ``nan``
        if a feature is NaN.

    Raises:
        VaehubError: If features are not of one size, or a set has fewer than two.
    """
    x, y = _doubles(x, y)
    across = _kernel(x, y, degree).mean()
    return float(_without_self(x, degree) + _without_self(y, degree) - 2 * across)


@accepts_arrays
def kernel_distance(
    x: Tensor,
    y: Tensor,
    n_subsets: int = 100,
    subset_size: int = 1000,
    degree: int = 3,
    generator: torch.Generator | None = None,
) -> KernelDistances:
    """Return the kernel discrepancy averaged over subsets; with features of Inception it is KID.

    Bińkowski et al. 2018, Section 4: each subset is drawn from both sets without replacement.

    Args:
        x: Features of one set, shape ``(n, p)``.
        y: Features of the other, shape ``(m, p)``.
        n_subsets: How many subsets.
        subset_size: How many of each set are in one.
        degree: Degree of the kernel.
        generator: Draws the subsets, on the CPU; one with the seed 0 if not given.

    Returns:
        Mean and standard deviation over subsets. These overlap, so that the deviation says how much a subset matters,
        and is no error of the mean.

    Raises:
        VaehubError: As :func:`polynomial_mmd2`, or if a set is smaller than a subset.
    """
    x, y = _doubles(x, y)
    if subset_size > min(len(x), len(y)):
        raise VaehubError(f"subsets of {subset_size} cannot be drawn from {len(x)} and {len(y)}; take smaller ones")
    random = generator or torch.Generator().manual_seed(0)
    found = []
    with task("kernel distances", n_subsets) as advance:
        for _ in range(n_subsets):
            rows = [torch.randperm(len(each), generator=random)[:subset_size].to(each.device) for each in (x, y)]
            found.append(polynomial_mmd2(x[rows[0]], y[rows[1]], degree))
            advance(1)
    values = torch.tensor(found, dtype=torch.float64)
    return KernelDistances(float(values.mean()), float(values.std(correction=0)), values)


def _doubles(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not x.shape[1]:
        raise VaehubError(
            f"two sets of the same features are compared, (n, p) and (m, p), got shapes {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if min(len(x), len(y)) < 2:
        raise VaehubError(f"each set needs 2 observations at least, got {len(x)} and {len(y)}")
    return x.double(), y.double()


def _factor(x: Tensor) -> Tensor:
    """Return a matrix R with ``R' R`` the sample covariance, with as few rows as there can be."""
    centred = (x - x.mean(dim=0)) / math.sqrt(len(x) - 1)
    return centred if len(x) <= x.shape[1] else torch.linalg.qr(centred, mode="r").R


def _kernel(x: Tensor, y: Tensor, degree: int) -> Tensor:
    return torch.pow(x @ y.mT / x.shape[1] + 1, degree)


def _without_self(x: Tensor, degree: int) -> Tensor:
    values = _kernel(x, x, degree)
    return (values.sum() - values.diagonal().sum()) / (len(x) * (len(x) - 1))
