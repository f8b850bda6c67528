"""Vectors whose inner products are the CKA of two representations: exact, or sketched to a short estimate."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.similarity.centring import Centred
from vaehub.plugins.similarity.inner_products import gram

BLOCK = 2**22
"""Values of a block of hashed columns, which fits in the processor's cache."""


@accepts_arrays
def gram_vector(x: Tensor) -> Tensor:
    """Return the upper triangle of a centred Gram as a unit vector; inner products of such vectors are exact CKA.

    Entries off the diagonal, which occur twice in a Gram, are multiplied by the square root of 2.

    Args:
        x: Representation, shape ``(n, …)``.

    Returns:
        Row by row, float64, shape ``(n (n + 1) / 2,)``. Its inner product with the vector of another representation of
        the same observations is :func:`linear_cka`; all ``nan`` if the representation is constant.

    Raises:
        VaehubError: If there are fewer than two observations.
    """
    centred = Centred.of(x)
    rows, columns = torch.triu_indices(centred.n, centred.n, device=centred.mean.device)
    if not centred.is_defined:
        return centred.mean.new_full((len(rows),), torch.nan)
    found: Tensor = gram(centred, debiased=False)[rows, columns]
    found[rows != columns] *= math.sqrt(2)
    unit: Tensor = found / found.norm()
    return unit


@accepts_arrays
def cka_sketch(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Return a short unit vector; inner products of such vectors estimate CKA.

    TensorSketch of degree 2 (Pham & Pagh 2013, Algorithm 1): two count sketches of each centred column, convolved, and
    summed over columns, which is a count sketch of the Gram ``XX'`` without computing it. The inner product of two such
    sums is an unbiased estimate of the inner product of the Grams, with a mean squared error of at most ``11 / size``
    for Grams of norm 1 (Avron et al. 2014, Theorem 1 and its proof). Divided by their own norms, as here, errors
    largely cancel: they are about ``(1 - cka^2) / sqrt(size)``, and the bias of the ratio is of order ``1 / size``.

    Args:
        x: Representation, shape ``(n, …)``. Costs grow with its values and with ``size log(size)`` for each column.
        size: Length of the sketch; a power of two is fastest.
        generator: Source of the hash functions, on the device of the representation; sketches are comparable if made
            from the same observations with equal generators.

    Returns:
        float32, shape ``(size,)``; all ``nan`` if the representation is constant.

    Raises:
        VaehubError: If there are fewer than two observations, or the size is not positive.
    """
    if size < 1:
        raise VaehubError(f"a sketch has at least 1 number, and {size} were asked for")
    centred = Centred.of(x)
    device = centred.mean.device
    places = torch.randint(size, (2, centred.n), generator=generator, device=device)
    signs = torch.randint(2, (2, centred.n), generator=generator, device=device) * 2.0 - 1.0
    if not centred.is_defined:
        return torch.full((size,), torch.nan, device=device)
    found = torch.zeros(size // 2 + 1, dtype=torch.complex128, device=device)
    for block in centred.blocks(max(1, BLOCK // max(size, centred.n))):
        block = block.float()
        first, second = (
            torch.fft.rfft(_hashed(block, place, sign, size), dim=1) for place, sign in zip(places, signs, strict=True)
        )
        # The transform of a convolution is the product of the transforms.
        found += (first * second).sum(dim=0)
    sketch: Tensor = torch.fft.irfft(found, n=size)
    unit: Tensor = (sketch / sketch.norm()).float()
    return unit


def _hashed(block: Tensor, places: Tensor, signs: Tensor, size: int) -> Tensor:
    """Return the count sketch of each column, shape ``(columns, size)``."""
    counts = block.new_zeros(size, block.shape[1])
    return counts.index_add_(0, places, block * signs[:, None]).mT.contiguous()
