"""The mathematics of FONDUE (Bonheme 2023, Chapter 8 and Appendix D): searches, traces, entropies, knees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.fondue.bisection import Search, Visit, is_monotone, ratio_search, search, supervised_search
from vaehub.plugins.fondue.knees import Knee, Steadiest, knee, steadiest

__all__ = [
    "Knee",
    "Search",
    "Steadiest",
    "Visit",
    "batches",
    "entropy_of_gram",
    "gram",
    "information_of_grams",
    "is_monotone",
    "knee",
    "ratio_search",
    "renyi_entropy",
    "renyi_mutual_information",
    "rounded_down",
    "search",
    "steadiest",
    "structure_preservation_index",
    "supervised_search",
    "variances",
]

ROWS_AT_ONCE = 1024
"""Rows of a matrix over all pairs that are made together; bounds memory, changes no result."""


def rounded_down(values: Tensor, decimals: int) -> Tensor:
    """Return values rounded towards minus infinity to some decimals, as the reference code of FONDUE does."""
    scale = 10**decimals
    return values.mul(scale).floor().div(scale)


@accepts_arrays
def variances(r: Tensor, decimals: int | None = None) -> Tensor:
    """Return the variance of each latent over observations: the diagonal of the covariance, whose sum is its trace.

    Bonheme 2023, Algorithm 1, with ``ddof=1``. Its released code rounds every entry of the covariance down to 3
    decimals; only those on the diagonal are in the trace.

    Args:
        r: Representation, shape ``(n, latent_dim)``.
        decimals: Rounds down to so many; exact if ``None``.

    Returns:
        Shape ``(latent_dim,)``, float64; ``nan`` of fewer than two observations.
    """
    if len(r) < 2:
        return torch.full(r.shape[1:], math.nan, dtype=torch.float64)
    found = r.double().var(dim=0, correction=1)
    return found if decimals is None else rounded_down(found, decimals)


# Rényi entropies


@accepts_arrays
def gram(x: Tensor) -> Tensor:
    """Return the Gaussian similarity of each pair of observations.

    Giraldo et al. 2015, with Silverman's width: ``s = std(all entries) * n^(-1/(4 + m))`` for ``m`` values each, as
    Bonheme 2023, Appendix D, has it.

    Args:
        x: Observations, or their representation in a layer, shape ``(n, ...)``.

    Returns:
        Shape ``(n, n)``, float64, 1 on the diagonal; 1 everywhere if no two observations differ.
    """
    rows = x.flatten(1).double()
    n, m = rows.shape
    width = float(rows.std(correction=0)) * n ** (-1 / (4 + m))
    if width == 0:
        return rows.new_ones(n, n)
    # Differences from the mean are of the size of the distances, which keeps products from cancelling.
    rows = rows - rows.mean(dim=0)
    lengths = rows.square().sum(dim=1)
    squared = (lengths[:, None] + lengths - 2 * rows @ rows.T).clamp_min(0)
    squared.fill_diagonal_(0)
    return squared.div(-2 * width**2).exp()


def entropy_of_gram(k: Tensor, alpha: float = 2.0) -> float:
    """Return the Rényi entropy of a similarity matrix: Giraldo et al. 2015.

    Args:
        k: Symmetric, 1 on the diagonal, shape ``(n, n)``; divided by ``n`` here.
        alpha: Order, above 0; at 1 the limit, which is the von Neumann entropy.

    Returns:
        Entropy in bits, in [0, log2 n].
    """
    a = k / len(k)
    if alpha == 2:
        # The squares of the eigenvalues add up to those of the entries.
        return -math.log2(float(a.square().sum()))
    # A similarity matrix has no negative eigenvalues but for rounding.
    eigenvalues = torch.linalg.eigvalsh(a).clamp_min(0)
    if alpha == 1:
        return -float(eigenvalues.xlogy(eigenvalues).sum()) / math.log(2)
    return math.log2(float(eigenvalues.pow(alpha).sum())) / (1 - alpha)


def information_of_grams(a: Tensor, b: Tensor, alpha: float = 2.0) -> float:
    """Return the mutual information of two similarity matrices, in bits: Giraldo et al. 2015."""
    joint = entropy_of_gram(a * b, alpha)
    return entropy_of_gram(a, alpha) + entropy_of_gram(b, alpha) - joint


def _check_alpha(alpha: float) -> None:
    if alpha <= 0:
        raise VaehubError(f"the order of a Rényi entropy is above 0, got {alpha:g}; 2 is usual")


@accepts_arrays
def renyi_entropy(x: Tensor, alpha: float = 2.0) -> float:
    """Return the Rényi entropy of a representation, without an estimate of its density.

    Giraldo et al. 2015, as used by Bonheme 2023, Algorithm 3 and Appendix D.

    Args:
        x: Shape ``(n, ...)``.
        alpha: Order, above 0.

    Returns:
        Entropy in bits, in [0, log2 n]: 0 if no two observations differ, log2 n if all are far apart. It depends on
        ``n``. ``nan`` if a value is not finite, or there are none.

    Raises:
        VaehubError: If the order is not above 0.
    """
    _check_alpha(alpha)
    return math.nan if _is_undefined(x) else entropy_of_gram(gram(x), alpha)


@accepts_arrays
def renyi_mutual_information(x: Tensor, y: Tensor, alpha: float = 2.0) -> float:
    """Return the mutual information of two representations of the same observations.

    Giraldo et al. 2015: ``H(A) + H(B) - H(A ∘ B / tr(A ∘ B))``. The information of a representation on
    itself is not its entropy.

    Args:
        x: Shape ``(n, ...)``.
        y: Shape ``(n, ...)``.
        alpha: Order, above 0.

    Returns:
        Information in bits, the same with both exchanged; 0 if either never changes. ``nan`` if a value is not finite,
        or there are none.

    Raises:
        VaehubError: If there are not as many of both, or the order is not above 0.
    """
    _check_alpha(alpha)
    if len(x) != len(y):
        raise VaehubError(
            f"mutual information needs two representations of the same observations, got shapes {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    return math.nan if _is_undefined(x) or _is_undefined(y) else information_of_grams(gram(x), gram(y), alpha)


def _is_undefined(x: Tensor) -> bool:
    return not (x.numel() and bool(x.isfinite().all()))


def batches(n: int, size: int, *, compat: bool = False) -> list[slice]:
    """Return the rows of each batch that entropies are averaged over.

    Entropies depend on the number of observations, so that only whole batches count, unless there is none.

    Args:
        n: Observations.
        size: Of a batch.
        compat: Leaves out the last row of each, as the reference code of FONDUE does.
    """
    size = min(n, size)
    return [slice(start, start + size - compat) for start in range(0, n - size + 1, size)]


@accepts_arrays
def structure_preservation_index(x: Tensor, y: Tensor, *, per_pair: bool = False) -> float:
    """Return how far similarities between reconstructions are from those between observations.

    Bonheme 2023, Appendix D.2: ``1/h sum_ij |cos(x_i, x_j) - cos(y_i, y_j)|`` over ``h`` observations.

    Args:
        x: Observations, shape ``(h, ...)``.
        y: Their reconstructions, same shape.
        per_pair: Divides by ``h^2``, which gives a mean in [0, 2] that does not grow with ``h``.

    Returns:
        Without unit; 0 for copies, scaled ones too. ``nan`` if an observation or a reconstruction is zero everywhere,
        where no angle is defined, or not finite, or if there are none.

    Raises:
        VaehubError: If shapes differ.
    """
    if x.shape != y.shape:
        raise VaehubError(
            f"reconstructions have the shape of their observations, {tuple(x.shape)}, got {tuple(y.shape)}"
        )
    if _is_undefined(x) or _is_undefined(y):
        return math.nan
    directions = [rows / rows.norm(dim=1, keepdim=True) for rows in (x.flatten(1).double(), y.flatten(1).double())]
    total = 0.0
    for start in range(0, len(x), ROWS_AT_ONCE):
        of_x, of_y = (rows[start : start + ROWS_AT_ONCE] @ rows.T for rows in directions)
        total += float((of_x - of_y).abs().sum())
    return total / (len(x) ** 2 if per_pair else len(x))
