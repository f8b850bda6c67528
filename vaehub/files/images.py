"""Image files: decoding, without trust in their content, and resizing."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from vaehub.core.errors import DataError
from vaehub.files.brightness import Range, in_bytes, range_of, white_of

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Endings of the files in a folder that count as images."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Formats that are opened, whatever the ending; Pillow has others that it hands to another program, such as EPS."""

GREY, DEEP = ("1", "L", "I;16", "I;16B", "I;16L", "I", "F"), ("I;16", "I;16B", "I;16L", "I", "F")
"""Pillow's modes with one channel, and those among them with more than 8 bits."""
ORIENTATION, ON_THE_SIDE = 0x0112, (5, 6, 7, 8)
"""The EXIF tag of the orientation, and its values that exchange height and width."""
BITS, PHOTOMETRIC, WHITE_IS_ZERO, CHANNELS, SAMPLE_FORMAT, UNSIGNED = 258, 262, 0, 277, 339, 1
"""Tags of TIFF, and two of their values."""
KINDS = {2: ", signed", 3: ", floating-point"}
"""Words for other values of the tag of the sample format."""

MOST_PIXELS = 80_000_000
"""Largest image that is decoded: more pixels than any photograph has are an attack."""

Filter = Literal["bilinear", "lanczos"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}


class Undecodable(DataError):  # noqa: N818 the file is what is wrong
    """A file cannot be decoded as an image: it is damaged, or none."""


@dataclass(frozen=True)
class ImageHead:
    """What the header of an image says of one page.

    Attributes:
        shape: Channels (1 or 3), height and width, as :func:`open_image` returns them.
        is_deep: Whether its values have more than 8 bits.
        white: Value that stands for white; ``None`` where the type of the values does not say it.
    """

    shape: tuple[int, int, int]
    is_deep: bool
    white: float | None

    @property
    def n_pixels(self) -> int:
        """Height times width."""
        return self.shape[1] * self.shape[2]


def open_image(
    content: bytes | Path, title: str, channels: int | None = None, *, white: float | None = None
) -> Image.Image:
    """Return a decoded image with 8 bits per channel: grey (mode ``L``) or colour (``RGB``).

    Of several pages or frames it is the first.

    Args:
        content: The file, or its content.
        title: Name of the content in messages.
        channels: 1 for grey, 3 for colour; ``None`` keeps the channels. Transparency becomes white.
        white: Value that stands for white; ``None`` takes the largest value of an unsigned type of up to 16 bits, and
            for other types what :func:`white_of` makes of the values.

    Raises:
        Undecodable: If it cannot be decoded, or is too large.
        DataError: If its values do not say how bright they are.
    """
    return next(open_pages(content, title, channels, n_pages=1, whites=[white]))


def open_pages(
    content: bytes | Path,
    title: str,
    channels: int | None = None,
    *,
    n_pages: int,
    whites: Sequence[float | None],
) -> Iterator[Image.Image]:
    """Yield the first pages or frames of an image, each as from :func:`open_image`.

    Args:
        content: The file, or its content.
        title: Name of the content in messages.
        channels: As in :func:`open_image`.
        n_pages: Number of pages.
        whites: Value of each page that stands for white, as in :func:`open_image`.

    Raises:
        DataError: As :func:`open_image`.
    """
    for page, white in zip(_pages(content, title, n_pages), whites, strict=True):
        yield _in_channels(page, channels, white, title)


def image_heads(content: bytes | Path, title: str, *, at_most: int = 1) -> tuple[int, list[ImageHead]]:
    """Return the number of pages or frames of an image, and the heads of the first ones, without decoding it.

    A JPEG counts as one: further pictures in it are previews and depth maps of cameras.

    Raises:
        Undecodable: If the file does not begin like an image.
    """
    with _opened(content, title) as image:
        n_pages = 1 if image.format in ("JPEG", "MPO") else int(getattr(image, "n_frames", 1))
        heads = []
        for page in range(min(n_pages, at_most)):
            if page:
                image.seek(page)
                _check_n_pixels(image)
            heads.append(_head(image))
        return n_pages, heads


def image_shape(content: bytes | Path, title: str) -> tuple[int, int, int]:
    """Return the channels, height and width of the image from :func:`open_image`, without decoding it.

    Raises:
        Undecodable: If the file does not begin like an image.
    """
    return image_heads(content, title)[1][0].shape


def image_range(content: bytes | Path, title: str, *, n_pages: int = 1) -> list[Range]:
    """Return the smallest and the largest value of each of the first pages of an image, as they are in the file.

    Raises:
        Undecodable: If it cannot be decoded.
        DataError: If it holds NaN.
    """
    return [range_of(page.values, title) for page in _pages(content, title, n_pages)]


@dataclass(frozen=True)
class _Page:
    """A decoded page, upright, in the file's own mode; :class:`ImageHead` says what ``white`` is."""

    image: Image.Image
    white: float | None
    is_inverted: bool
    is_unsigned: bool

    @property
    def values(self) -> NDArray[Any]:
        """The values of the only channel, larger ones brighter."""
        values = np.asarray(self.image)
        if self.is_unsigned and values.dtype == np.int32:
            values = values.view(np.uint32)
        return (values.max() if self.white is None else self.white) - values if self.is_inverted else values


def _pages(content: bytes | Path, title: str, n_pages: int) -> Iterator[_Page]:
    with _opened(content, title) as image:
        for page in range(n_pages):
            if page:
                image.seek(page)
                _check_n_pixels(image)
            tags = _tags(image)
            found = _head(image).white, tags.get(PHOTOMETRIC) == WHITE_IS_ZERO, _first(tags, SAMPLE_FORMAT) == UNSIGNED
            image.load()
            # Cameras store the orientation in a tag.
            yield _Page(ImageOps.exif_transpose(image), *found)


@contextmanager
def _opened(content: bytes | Path, title: str) -> Iterator[Image.Image]:
    try:
        # A stream and not a path: Pillow maps a TIFF that it is given by path, and scrambles it if it lies on its side.
        with _stream(content) as stream, Image.open(stream, formats=FORMATS) as image:
            _check_n_pixels(image)
            yield image
    except DataError:
        raise
    # A damaged image can raise any exception, depending on its format.
    except Exception as error:
        why = _unreadable(content) if isinstance(error, UnidentifiedImageError) else str(error)
        raise Undecodable(f"{title} cannot be decoded as an image ({why}); replace or remove it") from error


def _stream(content: bytes | Path) -> IO[bytes]:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _unreadable(content: bytes | Path) -> str:
    """Return why no format is recognised: for a TIFF, the type of its values."""
    try:
        with _stream(content) as stream:
            tags = TiffImagePlugin.ImageFileDirectory_v2(stream.read(8))
            stream.seek(tags.next)
            tags.load(stream)
            bits, kind = _first(tags, BITS), KINDS.get(_first(tags, SAMPLE_FORMAT) or UNSIGNED, "")
    # It is no TIFF, or a damaged one.
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return f"it begins like none of {', '.join(FORMATS)}"
    return f"a TIFF of {tags.get(CHANNELS, 1)} channels of {bits} bits{kind}, which is not supported"


def _tags(image: Image.Image) -> Mapping[int, Any]:
    return image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}


def _first(tags: Mapping[int, Any], tag: int) -> int | None:
    """Return the value of the first channel."""
    value = tags.get(tag)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else None


def _check_n_pixels(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"it claims {image.width}x{image.height} pixels")


def _head(image: Image.Image) -> ImageHead:
    width, height = image.size
    # Height and width of a TIFF already follow its orientation.
    if image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) in ON_THE_SIDE:
        width, height = height, width
    return ImageHead((1 if _is_grey(image) else 3, height, width), image.mode in DEEP, _white(image))


def _white(image: Image.Image) -> float | None:
    if image.mode not in DEEP:
        return 255
    if image.mode.startswith("I;16"):
        # Some cameras have 12 bits.
        return float((1 << (_first(_tags(image), BITS) or 16)) - 1)
    # Pillow brings these formats to 16 bits, whatever their own range.
    return 65535 if image.mode == "I" and image.format in ("PNG", "PPM") else None


def _is_grey(image: Image.Image) -> bool:
    return image.mode in GREY and "transparency" not in image.info


def _in_channels(page: _Page, channels: int | None, white: float | None, title: str) -> Image.Image:
    image = page.image
    grey = _is_grey(image) if channels is None else channels == 1
    if image.mode in DEEP:
        return _of_deep(page, white, title).convert("L" if grey else "RGB")
    if image.has_transparency_data:
        # Premultiplied colours are converted to plain ones first.
        layer = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode)).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    is_binary = image.mode == "1"
    image = image.convert("L" if grey else "RGB")
    if white in (None, 255) or is_binary:
        return image
    return Image.fromarray(in_bytes(np.asarray(image), white, title))


def _of_deep(page: _Page, white: float | None, title: str) -> Image.Image:
    values = page.values
    if white is None:
        white = page.white if page.white is not None else white_of(range_of(values, title), title)
    found = in_bytes(values, white, title)
    clear = page.image.info.get("transparency")
    return Image.fromarray(found if clear is None else np.where(values == clear, np.uint8(255), found))


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
