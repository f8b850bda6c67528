"""Pictures in files: decoded, brought to one size, never trusted."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vaehub.core.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Of the files in a folder that are taken for pictures."""

Filter = Literal["bilinear", "lanczos"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}


def decoded(content: bytes | Path, title: str, channels: int | None = None) -> Image.Image:
    """Return a decoded picture of 8 bits a channel: grey (mode ``L``) or colour (``RGB``).

    Args:
        content: The file, or its content.
        title: What it is, for messages.
        channels: 1 for grey, 3 for colour; ``None`` keeps what it has. Transparency becomes white.

    Raises:
        DataError: If it cannot be decoded, or is beyond measure.
    """
    try:
        with warnings.catch_warnings():
            # A picture of more pixels than anyone photographs is an attack, whatever it is called.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
            picture.load()
    # A damaged picture fails in as many ways as there are formats.
    except Exception as error:
        raise DataError(f"{title} cannot be decoded as a picture ({error}); replace or remove it") from error
    # Cameras say in a tag which side is up.
    turned = ImageOps.exif_transpose(picture)
    return _in_channels(turned, channels)


def _in_channels(picture: Image.Image, channels: int | None) -> Image.Image:
    if picture.mode in ("I;16", "I;16B", "I"):
        picture = Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    grey = picture.mode in ("1", "L") if channels is None else channels == 1
    return picture.convert("L" if grey else "RGB")


def fitted(picture: Image.Image, size: tuple[int, int] | None, *, crop: bool, how: Filter = "bilinear") -> Image.Image:
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


def as_array(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels, shape ``(channels, height, width)``."""
    pixels = np.asarray(picture)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
