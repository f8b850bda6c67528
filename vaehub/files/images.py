"""Pictures in files: decoded, brought to one size, never trusted."""

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

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Of the files in a folder that are taken for pictures."""

GREY, DEEP = ("1", "L", "I;16", "I;16B", "I"), ("I;16", "I;16B", "I")
"""Modes of one channel; those of 16 bits."""
ORIENTATION, ON_THE_SIDE = 0x0112, (5, 6, 7, 8)
"""The tag of EXIF that says which side is up, and its values that exchange height and width."""

MOST_PIXELS = 80_000_000
"""A picture of more pixels than anyone photographs is an attack, whatever it is called."""

Filter = Literal["bilinear", "lanczos"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}


def open_image(content: bytes | Path, title: str, channels: int | None = None) -> Image.Image:
    """Return a decoded picture of 8 bits a channel: grey (mode ``L``) or colour (``RGB``).

    Args:
        content: The file, or its content.
        title: What it is, for messages.
        channels: 1 for grey, 3 for colour; ``None`` keeps what it has. Transparency becomes white.

    Raises:
        DataError: If it cannot be decoded, or is beyond measure.
    """
    with _opened(content, title) as picture:
        picture.load()
        # Cameras say in a tag which side is up.
        return _in_channels(ImageOps.exif_transpose(picture), channels)


def image_shape(content: bytes | Path, title: str) -> tuple[int, int, int]:
    """Return channels, height and width that :func:`open_image` would give, without decoding.

    Raises:
        DataError: If the file does not begin like a picture.
    """
    with _opened(content, title) as picture:
        width, height = picture.size
        # The sides of a TIFF are already those of the picture as it is seen.
        if picture.format != "TIFF" and picture.getexif().get(ORIENTATION, 1) in ON_THE_SIDE:
            width, height = height, width
        return (1 if _is_grey(picture) else 3), height, width


@contextmanager
def _opened(content: bytes | Path, title: str) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as picture:
            _check_measure(picture)
            yield picture
    # A damaged picture fails in as many ways as there are formats.
    except Exception as error:
        raise DataError(f"{title} cannot be decoded as a picture ({error}); replace or remove it") from error


def _check_measure(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError(f"it claims {picture.width}x{picture.height} pixels")


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in GREY and "transparency" not in picture.info


def _in_channels(picture: Image.Image, channels: int | None) -> Image.Image:
    grey = _is_grey(picture) if channels is None else channels == 1
    if picture.mode in DEEP:
        picture = Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("L" if grey else "RGB")


def resize_image(
    picture: Image.Image, size: tuple[int, int] | None, *, crop: bool, how: Filter = "bilinear"
) -> Image.Image:
    """Return a picture of a size ``(height, width)``, with antialiasing.

    Args:
        picture: Any.
        size: Wanted; ``None`` keeps it.
        crop: Whether the largest centred part of the wanted proportions is taken first, so that nothing is stretched.
        how: Filter.
    """
    if size is None or size[::-1] == picture.size:
        return picture
    wanted = size[::-1]
    return ImageOps.fit(picture, wanted, _FILTERS[how]) if crop else picture.resize(wanted, _FILTERS[how])


def image_array(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels, shape ``(channels, height, width)``."""
    pixels = np.asarray(picture)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
