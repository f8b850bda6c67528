"""Diversity of a set of observations: mean dissimilarity of pairs, by SSIM of images and by cosine of embeddings."""

from collections.abc import Iterator

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import SsimBlock, SsimVariant, accepts_arrays, ssim_blocks
from vaehub.plugins.diversity.pairs import Moments, draw, interval, moments, n_pairs

__all__ = [
    "Moments",
    "draw",
    "embedding_diversity",
    "embedding_moments",
    "interval",
    "ssim_diversity",
    "ssim_matrix",
    "ssim_moments",
]

FEATURES_AT_ONCE = 1024
"""Features whose products with all others are computed together; bounds memory, changes no result."""
RESAMPLINGS_AT_ONCE = 64
"""Resamplings that are computed together; bounds memory, changes no result."""


@accepts_arrays
def ssim_matrix(
    x: Tensor,
    variant: SsimVariant = "windowed",
    window: int = 7,
    data_range: float = 1.0,
    ddof: int | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Return the structural similarity of every pair of images.

    Wang et al. 2004, Eq. 13. Müller et al. 2025 print it with statistics of whole images (``global``); their values
    are those of ``windowed``: uniform windows, sample covariances, averaged over the positions where a window fits, as
    scikit-image does by default. ``gaussian`` is the window of Wang et al., 11x11 with population covariances.

    Args:
        x: Grey images, shape ``(n, h, w)``, or images of several channels, shape ``(n, c, h, w)``, over which
            similarities are averaged; in [0, ``data_range``].
        variant: Windows over which the statistics are taken.
        window: Side of a uniform window, in pixels, odd.
        data_range: Greatest possible value of a pixel.
        ddof: Subtracted from the number of pixels in the divisor of covariances; 1 (for ``gaussian`` 0) if not given.
        dtype: Dtype of the products of pixels; if not given, float64 for statistics of whole images and for up to 128
            images, and else float32, which is twice as fast and within 1e-6. Means and variances are always in float64.

    Returns:
        Similarities in [-1, 1], without unit, shape ``(n, n)``, float64; 1 on the diagonal, also of flat images.

    Raises:
        VaehubError: If there are no images, they are smaller than a window, or their values are outside the range.
    """
    if dtype is None and variant == "global":
        # Rounding a sum of so many products in float32 would show in the sixth digit of a single pair.
        dtype = torch.float64
    matrix = x.new_empty(len(x), len(x), dtype=torch.float64)
    for rows, columns, block in _blocks(x, variant, window, data_range, ddof, dtype):
        matrix[rows, columns] = block
        matrix[columns, rows] = block.mT
    return matrix


@accepts_arrays
def ssim_diversity(
    x: Tensor,
    variant: SsimVariant = "windowed",
    window: int = 7,
    data_range: float = 1.0,
    ddof: int | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[float, float]:
    """Return mean and variance of 1 - SSIM over all pairs of different images, without keeping the matrix.

    Müller et al. 2025, Section 2.2. Identical images, and images of one grey, have mean and variance 0 up to rounding.

    Args:
        x: Images as in :func:`ssim_matrix`; ``n`` at least 2.
        variant: As in :func:`ssim_matrix`, as are the others.
        window: Side of a uniform window, in pixels, odd.
        data_range: Greatest possible value of a pixel.
        ddof: Subtracted from the number of pixels in the divisor of covariances.
        dtype: Dtype of the products of pixels; if not given, float64 for up to 128 images, and else float32, which is
            twice as fast, and where rounding changes mean and variance by less than 1e-7.

    Returns:
        Mean in [0, 2] and population variance over the pairs, both without unit.

    Raises:
        VaehubError: If there are fewer than two images, or as :func:`ssim_matrix`.
    """
    _at_least_two(x, "images")
    found = moments(_blocks(x, variant, window, data_range, ddof, dtype), _no_counts(x))
    return found.mean, found.variance


@accepts_arrays
def ssim_moments(x: Tensor, counts: Tensor, variant: SsimVariant = "windowed") -> Moments:
    """Return the values of :func:`ssim_diversity` and the mean of every resampling, in one pass over the pairs.

    Each pair costs a product for each resampling: 1,000 of them double the time of whole images of 28x28, and add a
    twentieth to that of 7x7 windows.

    Args:
        x: Images in [0, 1], as in :func:`ssim_matrix`.
        counts: How often each resampling has drawn each image, shape ``(n_resamplings, n)``, from :func:`draw`.
        variant: As in :func:`ssim_matrix`.
    """
    _at_least_two(x, "images")
    return moments(_blocks(x, variant, 7, 1.0, None, None), counts.to(x.device))


@accepts_arrays
def embedding_diversity(embeddings: Tensor) -> tuple[float, float]:
    """Return mean and variance of the cosine distance over all pairs of different observations, in closed form.

    Müller et al. 2025, Appendix B. With rows e of length 1 and Gram matrix E'E, the cosines of all pairs add up to
    ``(|sum e|² - n) / 2`` and their squares to ``(|E'E|² - n) / 2``, so that no pair is computed by itself.

    Args:
        embeddings: One row for each observation, shape ``(n, n_features)``; ``n`` at least 2.

    Returns:
        Mean in [0, 2] and population variance over the pairs, both without unit; nan if a row is zero or not finite,
        where the cosine is undefined.

    Raises:
        VaehubError: If there are fewer than two rows.
    """
    found = embedding_moments(embeddings, _no_counts(embeddings))
    return found.mean, found.variance


@accepts_arrays
def embedding_moments(embeddings: Tensor, counts: Tensor) -> Moments:
    """Return the values of :func:`embedding_diversity` and the mean of every resampling.

    Weighted by how often each observation was drawn, c, it is ``(n² - |sum c e|²) / (n² - sum c²)``.

    Args:
        embeddings: One row for each observation, shape ``(n, n_features)``.
        counts: How often each resampling has drawn each observation, shape ``(n_resamplings, n)``, from :func:`draw`.
    """
    _at_least_two(embeddings, "embeddings")
    n = len(embeddings)
    pairs = n * (n - 1)
    exact = embeddings.to(torch.float64)
    rows = exact / torch.linalg.vector_norm(exact, dim=1, keepdim=True)
    cosine = (rows.sum(dim=0).square().sum() - n) / pairs
    squares = torch.stack([(some @ rows).square().sum() for some in torch.split(rows.mT, FEATURES_AT_ONCE)]).sum()
    sums = [(some.to(rows) @ rows).square().sum(dim=1) for some in torch.split(counts, RESAMPLINGS_AT_ONCE)]
    resampled = (n**2 - torch.cat(sums)) / n_pairs(counts.to(rows.device))
    # Copies of one observation differ from 0 by a rounding error, which must not make a distance negative.
    mean, variance = (1 - cosine).clamp(min=0), ((squares - n) / pairs - cosine.square()).clamp(min=0)
    return Moments(float(mean), float(variance), resampled.clamp_(min=0))


def _blocks(
    x: Tensor, variant: SsimVariant, window: int, data_range: float, ddof: int | None, dtype: torch.dtype | None
) -> Iterator[SsimBlock]:
    found = ssim_blocks(x, variant, window, data_range, ddof, dtype)
    if x.numel():
        low, high = float(x.min()), float(x.max())
        if low < 0 or high > data_range or (data_range > 1 and high <= 1):
            raise VaehubError(
                f"images with values from {low:g} to {high:g} do not have a data_range of {data_range:g}; "
                "for images in [0, 1] it is 1"
            )
    return found


def _at_least_two(x: Tensor, what: str) -> None:
    if len(x) < 2:
        raise VaehubError(f"diversity compares pairs and needs at least 2 {what}, got {len(x)}")


def _no_counts(x: Tensor) -> Tensor:
    return torch.zeros(0, len(x), dtype=torch.uint8, device=x.device)
