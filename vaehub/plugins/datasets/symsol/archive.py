"""The archive of Symmetric Solids: its list of images, and the images, downsampled once."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import checksum, member_names, open_image, read_members, resize_image, unpack

SPLITS = ("train", "test")
SHAPES = ("tet", "cube", "icosa", "cone", "cyl", "tetX", "cylO", "sphereX")
"""Shapes in the order of their labels: tetrahedron, cube, icosahedron, cone, cylinder; then with marks, tetrahedron,
cylinder and sphere."""

NAME = re.compile(rf"(?:.*/)?({'|'.join(SPLITS)})/images/({'|'.join(SHAPES)})_(\d+)\.png")

SIDE = 224
"""Height and width of the published images, in pixels."""

AT_ONCE = 512
"""Images kept in memory at a time."""


@dataclass(frozen=True)
class Views:
    """The images of an archive, sorted by split, shape and number.

    Attributes:
        path: The archive.
        split: Index of each image's split, shape ``(n,)``.
        shape: Index of each image's shape, shape ``(n,)``.
        place: Position of each image in the archive's own order, shape ``(n,)``.
    """

    path: Path
    split: NDArray[np.int64]
    shape: NDArray[np.int64]
    place: NDArray[np.int64]


def listed(path: Path) -> Views:
    """Return the list of an archive's images, from their names only.

    Raises:
        DataError: If a shape has no image in one of the splits.
    """
    matches = filter(None, map(NAME.fullmatch, member_names(path)))
    found = [(SPLITS.index(match[1]), SHAPES.index(match[2]), int(match[3])) for match in matches]
    split, shape, number = np.array(found, np.int64).reshape(-1, 3).T
    for at in np.ndindex(len(SPLITS), len(SHAPES)):
        if not np.any((split == at[0]) & (shape == at[1])):
            raise DataError(f"{path} has no {SPLITS[at[0]]}/images/{SHAPES[at[1]]}_….png; replace the file")
    place = np.lexsort((number, shape, split))
    return Views(path, split[place], shape[place], place)


def small_images(views: Views, side: int, channels: int) -> NDArray[np.uint8]:
    """Return all images in the archive's own order, shape ``(n, side, side[, 3])``, mapped from the cache.

    Only the first call reads the archive.
    """
    shape = (len(views.place), side, side) if channels == 1 else (len(views.place), side, side, channels)

    def blocks() -> Iterator[NDArray[np.uint8]]:
        images = (
            np.asarray(resize_image(open_image(content, f"{views.path}, {name}", channels), (side, side), crop=False))
            for name, content in read_members(views.path, lambda name: NAME.fullmatch(name) is not None)
        )
        while block := list(islice(images, AT_ONCE)):
            yield np.stack(block)

    return unpack(_kept_name(views, side, channels), shape, np.dtype(np.uint8), blocks)


def image_digests(views: Views, side: int, channels: int) -> NDArray[np.bytes_]:
    """Return a digest of each image in the archive's own order, shape ``(n,)``: equal only where the pixels are."""
    images = small_images(views, side, channels)

    def blocks() -> Iterator[NDArray[np.bytes_]]:
        for start in range(0, len(images), AT_ONCE):
            yield np.array([_digest(image) for image in images[start : start + AT_ONCE]])

    return unpack(f"{_kept_name(views, side, channels)}-digests", (len(images),), np.dtype("S32"), blocks)


def _digest(image: NDArray[np.uint8]) -> bytes:
    # In hexadecimal, because numpy strips zero bytes from the end of byte strings.
    return hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest().encode()


def _kept_name(views: Views, side: int, channels: int) -> str:
    return f"symsol-{side}x{side}x{channels}-{checksum(views.path, 'md5').removeprefix('md5:')}"
