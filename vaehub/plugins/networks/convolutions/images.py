"""Shapes of images that convolutional networks accept."""

from collections.abc import Sequence

from vaehub import VaehubError


def image_shape(name: str, shape: Sequence[int]) -> tuple[int, int, int]:
    """Return channels, height and width.

    Raises:
        VaehubError: If the data are not images.
    """
    if len(shape) != 3:
        raise VaehubError(
            f"network {name!r} takes images of shape (channels, height, width), got shape {tuple(shape)}; "
            "'fc_higgins' and 'linear' take any shape"
        )
    return shape[0], shape[1], shape[2]


def halved(name: str, shape: Sequence[int], n_times: int, *, cure: str) -> tuple[int, int]:
    """Return height and width of an image after some halvings.

    Args:
        name: The network.
        shape: Shape of one observation.
        n_times: Number of halvings.
        cure: How to bring images to a shape that fits, for the message.

    Raises:
        VaehubError: If the data are not images, or a side cannot be halved that often.
    """
    _, height, width = image_shape(name, shape)
    factor = 2**n_times
    if height % factor or width % factor:
        raise VaehubError(
            f"network {name!r} halves images {n_times} times, so both sides must be multiples of {factor}, "
            f"got shape {tuple(shape)}; {cure}"
        )
    return height // factor, width // factor
