"""Structural dissimilarity, as an error of reconstructions and as the diversity of images.

Windows are uniform, 7x7, which reproduces the diversities of Müller et al. 2025.
"""

from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays, smallest_ssim_side, ssim, ssim_blocks
from vaehub.plugins.intervention.kernels import Error, squared_error

SIDE = smallest_ssim_side("windowed")
"""Least height and width of an image, in pixels."""


def structural_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Return 1 - SSIM of each reconstruction with its observation: the error of Müller et al. 2025, Section 2.6.

    Args:
        reconstruction: Images, shape ``(n, k, c, h, w)``, in [0, 1].
        x: Observed images, shape ``(n, c, h, w)``, in [0, 1].

    Returns:
        Errors in [0, 2], without unit, float64, shape ``(n, k)``; 0 for a copy.
    """
    return 1 - ssim(reconstruction, x[:, None])


ERRORS: dict[str, Error] = {"mse": squared_error, "ssim": structural_error}
"""Errors of reconstructions by the value of the parameter ``error``."""


@accepts_arrays
def mean_dissimilarity(images: Tensor) -> float:
    """Return the mean of 1 - SSIM over all pairs of different images: Müller et al. 2025, Section 2.2.

    Args:
        images: Shape ``(n, c, h, w)``, in [0, 1]; ``n`` at least 2.

    Returns:
        Diversity in [0, 2], without unit.

    Raises:
        VaehubError: If there are fewer than two images, or they are smaller than a window.
    """
    n, channels = images.shape[:2]
    if n < 2:
        raise VaehubError(f"diversity compares pairs of images and needs at least 2 images, got {n}")
    total = 0.0
    for channel in images.unbind(1):
        for rows, columns, similarity in ssim_blocks(channel):
            total += float(similarity.sum()) * (1 if rows == columns else 2)
    # Each pair was counted twice, and each image once with itself, where SSIM is 1.
    return 1 - (total / channels - n) / (n * (n - 1))


@accepts_arrays
def pair_dissimilarity(first: Tensor, second: Tensor) -> float:
    """Return the mean of 1 - SSIM of pairs of images: Müller et al. 2025, Equation 2.2.

    Args:
        first: One image of each pair, shape ``(n, c, h, w)``, in [0, 1].
        second: The other, same shape.

    Returns:
        Dissimilarity in [0, 2], without unit; 0 where the images of each pair are the same.
    """
    return float((1 - ssim(first, second)).mean())
