"""CelebA."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, Factors, OnDemand, prepare
from vaehub.files import (
    DataCard,
    checksum,
    fetch,
    image_array,
    member_names,
    open_image,
    read_members,
    resize_image,
    unpack,
)
from vaehub.plugins.datasets.celeba import cards
from vaehub.plugins.datasets.celeba.lists import read_attributes, read_partition
from vaehub.plugins.datasets.celeba.params import CelebaParams

WIDTH, HEIGHT = 178, 218
"""Width and height of every image in the archive, in pixels."""
FOLDER = "img_align_celeba/"
COMPRESSED_AT_ONCE = 16_384
"""Compressed images kept in memory at a time, to be sorted: about 120 MB."""
DECODED_AT_ONCE = 256


@final
class Celeba(DataSource[CelebaParams]):
    """Faces of celebrities, aligned by the eyes: Liu, Luo, Wang & Tang 2015.

    A centred square is cut out of every image and resized. Authors use different squares, and results for one cannot be
    compared with those for another. If an odd number of pixels is cut off, the larger half is on the right or below.
    """

    card: ClassVar[DataCard] = cards.CELEBA

    def load(self) -> Dataset:
        """Return images ``(n, 3, size, size)`` on demand, sorted by name, without labels.

        The first call decodes them into the cache: 2.5 GB at a size of 64.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        path = fetch(self.card, cards.ARCHIVE, self.params.root)
        names = _names(path)
        crop, side = self.params.crop, self.params.size or self.params.crop
        md5 = checksum(path, "md5").removeprefix("md5:")
        images = unpack(
            f"celeba-{md5}-crop{crop}-size{side}",
            (len(names), side, side, 3),
            np.dtype(np.uint8),
            lambda: _blocks(path, names, crop, side),
        )
        listed = [PurePosixPath(name).name for name in names]
        data = Dataset(OnDemand.mapped(images), factors=self._factors(listed), splits=self._splits(listed))
        # The images already have their size, so that this resizes nothing.
        return prepare(data, self.params)

    def _factors(self, images: list[str]) -> Factors | None:
        if not self.params.attributes:
            return None
        names, classes = read_attributes(fetch(self.card, cards.ATTRIBUTES, self.params.root), images)
        sizes, values = (2,) * len(names), ((-1.0, 1.0),) * len(names)
        return Factors(tuple(names), sizes, torch.from_numpy(classes), values)

    def _splits(self, images: list[str]) -> dict[str, NDArray[np.int64]]:
        if not self.params.partition:
            return {}
        return read_partition(fetch(self.card, cards.PARTITION, self.params.root), images)


def _names(path: Path) -> list[str]:
    """Return the names of the images in the archive, sorted."""
    found = sorted(name for name in member_names(path) if name.startswith(FOLDER) and name.endswith(".jpg"))
    if not found:
        raise DataError(f"{path} holds no images in a folder {FOLDER!r}; replace the file")
    return found


def _blocks(path: Path, names: list[str], crop: int, side: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the images in order of name, which may differ from the archive's order, shape ``(k, side, side, 3)``."""
    for start in range(0, len(names), COMPRESSED_AT_ONCE):
        wanted = names[start : start + COMPRESSED_AT_ONCE]
        contents = dict(read_members(path, set(wanted).__contains__))
        for first in range(0, len(wanted), DECODED_AT_ONCE):
            some = wanted[first : first + DECODED_AT_ONCE]
            yield np.stack([_face(contents[name], f"{path}, {name}", crop, side) for name in some])


def _face(content: bytes, title: str, crop: int, side: int) -> NDArray[np.uint8]:
    """Return the centred square of an image, resized, shape ``(side, side, 3)``."""
    image = open_image(content, title, channels=3)
    if image.size != (WIDTH, HEIGHT):
        found = f"{image.size[0]}x{image.size[1]}"
        raise DataError(f"{title} has {found} pixels, and should have {WIDTH}x{HEIGHT}; replace the archive")
    left, top = (WIDTH - crop) // 2, (HEIGHT - crop) // 2
    square = image.crop((left, top, left + crop, top + crop))
    return image_array(resize_image(square, (side, side), crop=False)).transpose(1, 2, 0)
