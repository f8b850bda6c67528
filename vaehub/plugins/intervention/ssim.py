"""Structural similarity with windows of 7x7: of reconstructions with their observations, and among all images of a set.

Wang et al. 2004, Eq. 13, with uniform windows and sample covariances, averaged over the positions where a window fits
and over channels, as scikit-image does by default for values in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional

from vaehub import VaehubError, accepts_arrays

SIDE = 7
"""Of a window, in pixels: what reproduces the diversities of Müller et al. 2025."""
C1, C2 = 0.01**2, 0.03**2
"""Keep the index finite where images are flat: Wang et al. 2004, Section III-B, for values in [0, 1]."""
PAIRS_AT_ONCE = 2**17
"""Pairs of windows that are worked on together: what a core's cache holds. Bounds memory, changes no result."""


def structural_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Return 1 - SSIM of each reconstruction with its observation: the error of Müller et al. 2025, Section 2.6.

    Args:
        reconstruction: Images, shape ``(n, k, c, h, w)``, in [0, 1].
        x: Observed images, shape ``(n, c, h, w)``, in [0, 1].

    Returns:
        Errors in [0, 2], without unit, float64, shape ``(n, k)``; 0 for a copy.
    """
    y, x = reconstruction.double(), x.double()[:, None]
    mean_x, mean_y = _local_means(x), _local_means(y)
    sample = SIDE**2 / (SIDE**2 - 1)
    variance_x = sample * (_local_means(x.square()) - mean_x.square())
    variance_y = sample * (_local_means(y.square()) - mean_y.square())
    covariance = sample * (_local_means(x * y) - mean_x * mean_y)
    return 1 - _index(mean_x, mean_y, variance_x, variance_y, covariance).mean(dim=(2, 3, 4))


@accepts_arrays
def mean_dissimilarity(images: Tensor) -> float:
    """Return the mean of 1 - SSIM over all pairs of different images: Müller et al. 2025, Section 2.2.

    Args:
        images: Shape ``(n, c, h, w)``, in [0, 1]; ``n`` at least 2.

    Returns:
        Diversity in [0, 2], without unit.

    Raises:
        VaehubError: If there are fewer than two images.
    """
    n, channels, height, width = images.shape
    if n < 2:
        raise VaehubError(f"diversity is that of pairs and needs 2 images at least, got {n}")
    total = images.new_zeros((), dtype=torch.float64)
    for top in range(height - SIDE + 1):
        windows = images[:, :, top : top + SIDE].double().unfold(3, SIDE, 1)
        patches = windows.permute(1, 3, 0, 2, 4).reshape(-1, n, SIDE**2)
        for some in torch.split(patches, max(1, PAIRS_AT_ONCE // n**2)):
            mean = some.mean(dim=2)
            centred = (some - mean[..., None]) / (SIDE**2 - 1) ** 0.5
            variance, covariance = centred.square().sum(dim=2), torch.bmm(centred, centred.mT)
            of_pairs = (mean[:, :, None], mean[:, None], variance[:, :, None], variance[:, None])
            total += _index(*of_pairs, covariance).sum()
    n_positions = channels * (height - SIDE + 1) * (width - SIDE + 1)
    # Each pair was counted twice, and each image once with itself, where the index is 1.
    return 1 - float(total / n_positions - n) / (n * (n - 1))


def _index(mean_x: Tensor, mean_y: Tensor, variance_x: Tensor, variance_y: Tensor, covariance: Tensor) -> Tensor:
    numerator = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return numerator / ((mean_x.square() + mean_y.square() + C1) * (variance_x + variance_y + C2))


def _local_means(images: Tensor) -> Tensor:
    """Return the mean of each window of images ``(n, k, c, h, w)``."""
    means = functional.avg_pool2d(images.flatten(0, 1), SIDE, stride=1)
    return means.reshape(*images.shape[:2], *means.shape[1:])
