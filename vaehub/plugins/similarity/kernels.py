"""Likeness of two representations of the same observations (Bonheme 2023, Section 7.2, Eqs. 7.2 to 7.8).

A representation has shape ``(n, …)``, and all axes after the first are flattened; the two may have different widths.
All work is in float64, a block of columns at a time; but values that are single, and have as many columns as
observations or more, are multiplied as they are, and only their sums are float64. Where a representation is constant,
but for rounding in its own type, or holds NaN or infinite values, what is asked of it is ``nan``.
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
    norms. The same is the cosine of both centred Grams, which is what is computed where a representation has as many
    columns as observations or more.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        debiased: Whether each of the three is the unbiased estimate of Song et al. 2012; their ratio then is nearly so.

    Returns:
        Similarity in [0, 1], without unit, and in [-1, 1] if debiased; ``nan`` if either is constant.

    Raises:
        VaehubError: If numbers of observations differ, or are too small.
    """
    return float(_aligned([x, y], debiased=debiased, memory=MEMORY)[0, 1])


def cka_matrix(representations: Sequence[Tensor], debiased: bool = False, memory: int = MEMORY) -> Tensor:
    """Return the linear centred kernel alignment of each two of some representations, as :func:`linear_cka` gives.

    Each Gram is computed once, tile by tile, and every pair of tiles is multiplied at once; no Gram is held as a whole.

    Args:
        representations: Of the same observations, shape ``(n, …)`` each, of any widths.
        debiased: As in :func:`linear_cka`.
        memory: Bytes that may be taken beyond the representations; decides no result but for rounding.

    Returns:
        Symmetric, shape ``(r, r)``, with 1 on the diagonal; ``nan`` in rows and columns of constant representations.

    Raises:
        VaehubError: If there are none, or as :func:`linear_cka`.
    """
    if not len(representations):
        raise VaehubError("a matrix of similarities needs a representation at least, and there are none")
    return _matrix(*representations, debiased=debiased, memory=memory)


@accepts_arrays
def _matrix(*representations: Tensor, debiased: bool, memory: int) -> Tensor:
    return _aligned(representations, debiased=debiased, memory=memory)


def _aligned(representations: Sequence[Tensor], *, debiased: bool, memory: int) -> Tensor:
    """Return the alignment of each two, ``nan`` for those that are undefined."""
    check_same(representations)
    # Debiased, sums are small differences of large ones.
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
    """Return the inner products of centred observations, divided by their greatest range squared.

    Kornblith et al. 2019, Section 3: ``HKH``, with observations centred before they are multiplied, since differences
    of large products would lose their digits. Debiased as in Song et al. 2012: with a diagonal of 0, and rows that have
    sum 0.

    Args:
        x: Representation, shape ``(n, …)``.
        debiased: Whether the diagonal is left out.

    Returns:
        Symmetric, float64, shape ``(n, n)``, of which the cosine with another is :func:`linear_cka`; all ``nan`` if the
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

    Kornblith et al. 2019, Eq. 4; they compare bandwidths of 0.2, 0.4 and 0.8. The median is that of the distances of
    different observations, without those of each to itself. Both Grams are held at once.

    Args:
        x: First representation, shape ``(n, …)``.
        y: Second representation of the same observations, shape ``(n, …)``.
        bandwidth: ``s`` as a share of the median distance in each representation.
        debiased: As in :func:`linear_cka`.

    Returns:
        Similarity as of :func:`linear_cka`; ``nan`` if either is constant, or most of its observations are equal.

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
    # Of equal observations the difference is not always 0.
    k = torch.where(k > CANCELLED * norm.max(), k, 0.0)
    distances = k[~torch.eye(x.n, dtype=torch.bool, device=k.device)].sqrt()
    # The median of torch is the lower of two in the middle.
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
