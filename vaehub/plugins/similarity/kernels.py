"""Similarity of two representations of the same observations (Bonheme 2023, Section 7.2, Eqs. 7.2 to 7.8).

A representation has shape ``(n, …)``, and all axes after the first are flattened; the two may have different widths.
Computations are in float64, a block of columns at a time; representations in float32 with at least as many columns as
observations are multiplied in float32 and summed in float64. The similarity with a representation that is constant up
to rounding in its own type, or holds NaN or infinite values, is ``nan``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.similarity.canonical_correlation import pwcca, svcca
from vaehub.plugins.similarity.centring import MEMORY, Centred, both, check_same
from vaehub.plugins.similarity.inner_products import (
    CANCELLED,
    aligned,
    check_debiased,
    gram,
    in_feature_space,
    in_observation_space,
    is_narrow,
)
from vaehub.plugins.similarity.rotations import (
    LowRank,
    procrustes_distance,
    procrustes_low_rank,
    procrustes_low_rank_matrix,
    procrustes_matrix,
    procrustes_similarity,
)
from vaehub.plugins.similarity.sketches import cka_sketch, gram_vector

__all__ = [
    "LowRank",
    "centred_gram",
    "cka_matrix",
    "cka_sketch",
    "gram_vector",
    "kernel_cka",
    "linear_cka",
    "procrustes_distance",
    "procrustes_low_rank",
    "procrustes_low_rank_matrix",
    "procrustes_matrix",
    "procrustes_similarity",
    "pwcca",
    "svcca",
]


@accepts_arrays
def linear_cka(x: Tensor, y: Tensor, debiased: bool = False) -> float:
    """Return the linear centred kernel alignment of two representations.

    Kornblith et al. 2019, Eq. 4, with linear kernels: ``|X'Y|^2 / (|X'X| |Y'Y|)`` of centred columns, with Frobenius
    norms. It equals the cosine of the two centred Grams, which is computed instead where a representation has at least
    as many columns as observations.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        debiased: Whether each of the three norms is the unbiased estimate of Song et al. 2012; the ratio is nearly so.

    Returns:
        Similarity in [0, 1], without unit, and in [-1, 1] if debiased; ``nan`` if either is constant.

    Raises:
        VaehubError: If numbers of observations differ, or are too small.
    """
    return float(_aligned([x, y], debiased=debiased, memory=MEMORY)[0, 1])


def cka_matrix(representations: Sequence[Tensor], debiased: bool = False, memory: int = MEMORY) -> Tensor:
    """Return the linear centred kernel alignment of each pair of representations, as :func:`linear_cka`.

    Each Gram is computed once, tile by tile, for all pairs together; no whole Gram is in memory.

    Args:
        representations: Representations of the same observations, shape ``(n, …)`` each, of any widths.
        debiased: As in :func:`linear_cka`.
        memory: Bytes available beyond the representations; changes results by rounding only.

    Returns:
        Symmetric, shape ``(r, r)``, with 1 on the diagonal; ``nan`` in rows and columns of constant representations.

    Raises:
        VaehubError: If there are none, or as :func:`linear_cka`.
    """
    if not len(representations):
        raise VaehubError("a matrix of similarities needs at least one representation, and there are none")
    return _matrix(*representations, debiased=debiased, memory=memory)


@accepts_arrays
def _matrix(*representations: Tensor, debiased: bool, memory: int) -> Tensor:
    return _aligned(representations, debiased=debiased, memory=memory)


def _aligned(representations: Sequence[Tensor], *, debiased: bool, memory: int) -> Tensor:
    """Return the alignment of each pair, ``nan`` where it is undefined."""
    check_same(representations)
    # Debiased sums are small differences of large ones.
    every = [Centred.of(x, in_double=debiased) for x in representations]
    if debiased:
        check_debiased(every[0].n)
    found = every[0].mean.new_full((len(every), len(every)), torch.nan)
    places = [place for place, x in enumerate(every) if x.is_defined]
    if places:
        some = [every[place] for place in places]
        multiplied = in_feature_space if is_narrow(some) else in_observation_space
        traces = torch.stack([x.square_norms().sum() for x in some]) if debiased else None
        at = torch.tensor(places, device=found.device)
        found[at[:, None], at] = aligned(multiplied(some, debiased=debiased, memory=memory), traces)
    return found


@accepts_arrays
def centred_gram(x: Tensor, debiased: bool = False) -> Tensor:
    """Return the inner products of centred observations, divided by the square of the greatest range of all columns.

    Kornblith et al. 2019, Section 3: ``HKH``, with observations centred before multiplication, since differences
    of large products would lose their digits. Debiased as in Song et al. 2012: with diagonal 0 and rows with
    sum 0.

    Args:
        x: Representation, shape ``(n, …)``.
        debiased: Whether the diagonal is left out.

    Returns:
        Symmetric, float64, shape ``(n, n)``; the cosine of two of them is :func:`linear_cka`. All ``nan`` if the
        representation is constant.

    Raises:
        VaehubError: If there are too few observations.
    """
    centred = Centred.of(x, in_double=True)
    if debiased:
        check_debiased(centred.n)
    return gram(centred, debiased=debiased) if centred.is_defined else _nothing(centred)


@accepts_arrays
def kernel_cka(x: Tensor, y: Tensor, bandwidth: float = 0.8, debiased: bool = False) -> float:
    """Return the centred kernel alignment with a radial basis function, ``exp(-d^2 / (2 s^2))`` of the distance ``d``.

    Kornblith et al. 2019, Eq. 4; they compare bandwidths of 0.2, 0.4 and 0.8. The median is
    over distances between different observations. Both Grams are in memory.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        bandwidth: ``s`` as a share of the median distance in each representation.
        debiased: As in :func:`linear_cka`.

    Returns:
        Similarity, as :func:`linear_cka`; ``nan`` if either is constant, or most of its observations are equal.

    Raises:
        VaehubError: As :func:`linear_cka`, or if the bandwidth is not positive.
    """
    if not bandwidth > 0:
        raise VaehubError(f"bandwidth is {bandwidth:g} and should be greater than 0: a share of the median distance")
    pair = both(x, y, in_double=True)
    if debiased:
        check_debiased(pair[0].n)
    grams = torch.stack([_radial(each, bandwidth, debiased=debiased).flatten() for each in pair])
    traces = torch.full((2,), float(len(x)), dtype=grams.dtype, device=grams.device) if debiased else None
    return float(aligned(grams @ grams.mT, traces)[0, 1])


def _radial(x: Centred, bandwidth: float, *, debiased: bool) -> Tensor:
    """Return a centred Gram of the radial basis function, ``nan`` where its width is 0."""
    if not x.is_defined:
        return _nothing(x)
    k = gram(x, debiased=False)
    norm = k.diagonal().clone()
    k = norm[:, None] + norm - 2 * k
    # Rounding may leave equal observations a distance above 0.
    k = torch.where(k > CANCELLED * norm.max(), k, 0.0)
    distances = k[~torch.eye(x.n, dtype=torch.bool, device=k.device)].sqrt()
    # The median of torch is the lower of the middle two.
    median = (distances.median() - (-distances).median()) / 2
    if median == 0:
        return _nothing(x)
    k = (k / (-2 * (bandwidth * median) ** 2)).exp()
    if not debiased:
        return k - k.mean(dim=0) - k.mean(dim=1, keepdim=True) + k.mean()
    sums = k.fill_diagonal_(0).sum(dim=1) / (x.n - 2)
    k = k - sums - sums[:, None] + sums.sum() / (x.n - 1)
    return k.fill_diagonal_(0)


def _nothing(x: Centred) -> Tensor:
    return x.mean.new_full((x.n, x.n), torch.nan)
