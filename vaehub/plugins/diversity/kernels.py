"""Structural similarity of all pairs of a set of images, and the diversity made of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from vaehub import VaehubError, accepts_arrays

Variant = Literal["windowed", "gaussian", "global"]

LUMINANCE, CONTRAST = 0.01, 0.03
"""Constants K1 and K2 that keep the index finite where images are flat: Wang et al. 2004, Section III-B."""
GAUSSIAN_SIDE, GAUSSIAN_SIGMA = 11, 1.5
"""Window of Wang et al. 2004, Section III-C."""
IMAGES_AT_ONCE = 256
"""Images of a tile, whose windows are laid out in memory together; bounds memory, changes no result."""
VALUES_AT_ONCE = 2**18
"""Values that are worked on together, of all pairs of two tiles at some positions: what a core's cache holds."""


@accepts_arrays
def ssim_matrix(
    x: Tensor, variant: Variant = "windowed", window: int = 7, data_range: float = 1.0, ddof: int | None = None
) -> Tensor:
    """Return the structural similarity of every pair of images.

    Wang et al. 2004, Eq. 13. Müller et al. 2025 print it with statistics of whole images (``global``); their figures
    are those of ``windowed``: uniform windows, sample covariances, averaged over the positions where a window fits, as
    scikit-image does by default. ``gaussian`` is the window of Wang et al., 11x11 with population covariances.

    Args:
        x: Grey images, shape ``(n, h, w)``, in [0, ``data_range``].
        variant: Of what the statistics are.
        window: Side of a uniform window, in pixels, odd.
        data_range: Greatest possible value of a pixel.
        ddof: What is taken off the number of pixels that covariances are divided by; 1 (of ``gaussian`` 0) if not
            given.

    Returns:
        Similarities in [-1, 1], without unit, shape ``(n, n)``, float64; 1 on the diagonal, also of flat images.

    Raises:
        VaehubError: If there are no images, none fits a window, or their values are not those of the range.
    """
    matrix = x.new_empty(len(x), len(x), dtype=torch.float64)
    for rows, columns, block in _blocks(x, variant, window, data_range, ddof):
        matrix[rows, columns] = block
        matrix[columns, rows] = block.mT
    return matrix


@accepts_arrays
def ssim_diversity(
    x: Tensor, variant: Variant = "windowed", window: int = 7, data_range: float = 1.0, ddof: int | None = None
) -> tuple[float, float]:
    """Return mean and variance of 1 - SSIM over all pairs of different images, without keeping the matrix.

    Müller et al. 2025, Section 2.2.

    Args:
        x: Grey images, shape ``(n, h, w)``, in [0, ``data_range``]; ``n`` at least 2.
        variant: As in :func:`ssim_matrix`, as are the others.
        window: Side of a uniform window, in pixels, odd.
        data_range: Greatest possible value of a pixel.
        ddof: What is taken off the number of pixels that covariances are divided by.

    Returns:
        Mean in [0, 2] and population variance over the pairs, both without unit.

    Raises:
        VaehubError: If there are fewer than two images, or as :func:`ssim_matrix`.
    """
    if len(x) < 2:
        raise VaehubError(f"diversity is that of pairs and needs 2 images at least, got {len(x)}")
    n, mean, squares = 0, 0.0, 0.0
    for rows, columns, block in _blocks(x, variant, window, data_range, ddof):
        distances = 1 - (block[_above_diagonal(block)] if rows == columns else block.flatten())
        if not len(distances):
            continue
        # Means and squares are merged tile by tile, so that nothing cancels however many pairs there are.
        more, found = len(distances), float(distances.mean())
        shift = found - mean
        squares += float((distances - found).square().sum()) + shift**2 * n * more / (n + more)
        n, mean = n + more, mean + shift * more / (n + more)
    return mean, squares / n


@accepts_arrays
def diversity_of(similarity: Tensor) -> tuple[float, float]:
    """Return mean and population variance of 1 - SSIM over all pairs of different images.

    Müller et al. 2025, Section 2.2.

    Args:
        similarity: Matrix of :func:`ssim_matrix`, shape ``(n, n)``.
    """
    distances = 1 - similarity[_above_diagonal(similarity)]
    return float(distances.mean()), float(distances.var(correction=0))


@accepts_arrays
def bootstrap_interval(
    similarity: Tensor, n_resamplings: int, confidence: float, generator: torch.Generator
) -> tuple[float, float]:
    """Return an interval of the diversity, from resampling images with replacement.

    Efron & Tibshirani 1993, Section 13.3 (percentiles). Images are what was drawn, not pairs: these depend on each
    other. A pair of an image with its own copy does not count.

    Args:
        similarity: Matrix of :func:`ssim_matrix`, shape ``(n, n)``.
        n_resamplings: How many.
        confidence: Share of them that the interval holds.
        generator: Source of randomness.

    Returns:
        Lower and upper end.
    """
    n = len(similarity)
    distance = 1 - similarity
    drawn = torch.randint(n, (n_resamplings, n), generator=generator, device=generator.device).to(distance.device)
    counts = distance.new_zeros(n_resamplings, n).scatter_add_(1, drawn, distance.new_ones(drawn.shape))
    pairs = n**2 - counts.square().sum(dim=1)
    means = ((counts @ distance) * counts).sum(dim=1) / pairs
    ends = means.new_tensor([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = means[pairs > 0].quantile(ends).tolist()
    return low, high


def _blocks(
    x: Tensor, variant: Variant, window: int, data_range: float, ddof: int | None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield the similarities of tiles of images, those on and above the diagonal."""
    _check(x, variant, window, data_range)
    images = x.to(torch.float64)
    weights = _weights(images, variant, window)
    taken_off = ddof if ddof is not None else (0 if variant == "gaussian" else 1)
    # A covariance of weights that add up to 1 divides by the number of pixels; of n - 1, it is as much larger.
    scale = 1.0 if variant == "gaussian" else weights.numel() / (weights.numel() - taken_off)
    statistics = _statistics(weights, scale)
    constants = (LUMINANCE * data_range) ** 2, (CONTRAST * data_range) ** 2
    starts = range(0, len(images), IMAGES_AT_ONCE)
    tiles = [slice(start, min(start + IMAGES_AT_ONCE, len(images))) for start in starts]
    for at, rows in enumerate(tiles):
        left = statistics(images[rows])
        for columns in tiles[at:]:
            right = left if rows == columns else statistics(images[columns])
            block = _similarity(left, right, constants)
            # Products are rounded in an order that is not the same on both sides of the diagonal.
            yield rows, columns, 0.5 * (block + block.mT) if rows == columns else block


Statistics = tuple[Tensor, Tensor, Tensor]


def _statistics(weights: Tensor, scale: float) -> Callable[[Tensor], Statistics]:
    """Return a function that gives mean, variance and centred, weighted pixels of each window of some images."""
    sides = tuple(weights.shape)
    flat = weights.flatten()

    def statistics(images: Tensor) -> Statistics:
        # (n, pixels of a window, positions) to (positions, n, pixels), for one matrix product at each position.
        patches = functional.unfold(images[:, None], sides).permute(2, 0, 1).contiguous()
        mean = patches @ flat
        centred = (patches - mean[..., None]) * (scale * flat).sqrt()
        return mean, centred.square().sum(dim=2), centred

    return statistics


def _similarity(left: Statistics, right: Statistics, constants: tuple[float, float]) -> Tensor:
    """Return the index of each pair of a tile, averaged over positions."""
    n_positions, n_left = left[0].shape
    total = left[0].new_zeros(n_left, right[0].shape[1])
    step = max(1, VALUES_AT_ONCE // total.numel())
    for start in range(0, n_positions, step):
        at = slice(start, start + step)
        total += _index([each[at] for each in left], [each[at] for each in right], constants).sum(dim=0)
    return total / n_positions


def _index(left: Sequence[Tensor], right: Sequence[Tensor], constants: tuple[float, float]) -> Tensor:
    """Return the index of each pair at each of some positions: Wang et al. 2004, Eq. 13."""
    (mean, variance, centred), (other_mean, other_variance, other_centred) = left, right
    c1, c2 = constants
    numerator = torch.bmm(centred, other_centred.mT).mul_(2).add_(c2)
    numerator.mul_(torch.addcmul(mean.new_tensor(c1), mean[:, :, None], other_mean[:, None, :], value=2))
    luminance = mean.square()[:, :, None] + (other_mean.square() + c1)[:, None, :]
    contrast = variance[:, :, None] + (other_variance + c2)[:, None, :]
    return numerator.div_(luminance.mul_(contrast))


def _weights(images: Tensor, variant: Variant, window: int) -> Tensor:
    if variant == "gaussian":
        offsets = torch.arange(GAUSSIAN_SIDE, dtype=torch.float64, device=images.device) - GAUSSIAN_SIDE // 2
        line = (-0.5 * (offsets / GAUSSIAN_SIGMA).square()).exp()
        weights = line[:, None] * line
        return weights / weights.sum()
    sides = (window, window) if variant == "windowed" else (images.shape[1], images.shape[2])
    return images.new_full(sides, 1 / (sides[0] * sides[1]))


def _check(x: Tensor, variant: Variant, window: int, data_range: float) -> None:
    if x.ndim != 3 or not len(x):
        raise VaehubError(f"structural similarity takes grey images of shape (n, h, w), got shape {tuple(x.shape)}")
    side = {"windowed": window, "gaussian": GAUSSIAN_SIDE}.get(variant, 1)
    if min(x.shape[1:]) < side:
        raise VaehubError(
            f"a window of {side}x{side} does not fit images of {x.shape[1]}x{x.shape[2]}; variant 'global' has none"
        )
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > data_range or (data_range > 1 and high <= 1):
        raise VaehubError(
            f"images with values from {low:g} to {high:g} do not have a data_range of {data_range:g}; "
            "for images in [0, 1] it is 1"
        )


def _above_diagonal(block: Tensor) -> Tensor:
    return torch.ones_like(block, dtype=torch.bool).triu(diagonal=1)
