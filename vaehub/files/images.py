"""Image files: decoding, without trust in their content, and resizing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vaehub.core.errors import DataError

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Endings of the files in a folder that count as images."""

GREY, DEEP = ("1", "L", "I;16", "I;16B", "I"), ("I;16", "I;16B", "I")
"""Pillow's modes with one channel, and those among them with more than 8 bits."""
ORIENTATION, ON_THE_SIDE = 0x0112, (5, 6, 7, 8)
"""The EXIF tag of the orientation, and its values that exchange height and width."""

MOST_PIXELS = 80_000_000
"""Largest image that is decoded: more pixels than any photograph has are an attack."""

Filter = Literal["bilinear", "lanczos"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}


def open_image(content: bytes | Path, title: str, channels: int | None = None) -> Image.Image:
    """Return a decoded image with 8 bits per channel: grey (mode ``L``) or colour (``RGB``).

    Args:
        content: The file, or its content.
        title: Name of the content in messages.
        channels: 1 for grey, 3 for colour; ``None`` keeps the channels. Transparency becomes white.

    Raises:
        DataError: If it cannot be decoded, or is too large.
    """
    with _opened(content, title) as image:
        image.load()
        # Cameras store the orientation in a tag.
        return _in_channels(ImageOps.exif_transpose(image), channels)


def image_shape(content: bytes | Path, title: str) -> tuple[int, int, int]:
    """Return the channels, height and width of the image from :func:`open_image`, without decoding it.

    Raises:
        DataError: If the file does not begin like an image.
    """
    with _opened(content, title) as image:
        width, height = image.size
        # Height and width of a TIFF already follow its orientation.
        if image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) in ON_THE_SIDE:
            width, height = height, width
        return (1 if _is_grey(image) else 3), height, width


@contextmanager
def _opened(content: bytes | Path, title: str) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
            _check_n_pixels(image)
            yield image
    # A damaged image can raise any exception, depending on its format.
    except Exception as error:
        raise DataError(f"{title} cannot be decoded as an image ({error}); replace or remove it") from error


def _check_n_pixels(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"it claims {image.width}x{image.height} pixels")


def _is_grey(image: Image.Image) -> bool:
    return image.mode in GREY and "transparency" not in image.info


def _in_channels(image: Image.Image, channels: int | None) -> Image.Image:
    grey = _is_grey(image) if channels is None else channels == 1
    if image.mode in DEEP:
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("L" if grey else "RGB")


def resize_image(
    image: Image.Image, size: tuple[int, int] | None, *, crop: bool, how: Filter = "bilinear"
) -> Image.Image:
    """Return an image resized to ``(height, width)``, with antialiasing.

    Args:
        image: Any image.
        size: Height and width; ``None`` keeps the image as it is.
        crop: Whether the largest centred region of the same proportions is cut out first, so that nothing is stretched.
        how: Resampling filter.
    """
    if size is None or size[::-1] == image.size:
        return image
    wanted = size[::-1]
    return ImageOps.fit(image, wanted, _FILTERS[how]) if crop else image.resize(wanted, _FILTERS[how])


def image_array(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels, shape ``(channels, height, width)``."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
