"""Images in a folder or an archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, OnDemand, prepare, task
from vaehub.files import (
    IMAGE_ENDINGS,
    image_array,
    image_shape,
    open_image,
    read_members,
    resize_image,
    unpack,
    visible_files,
)
from vaehub.plugins.datasets.own.params import ImagesParams

IN_MEMORY = 1 << 30
"""Bytes up to which images are kept in memory; more are kept in a memory-mapped file."""
AT_ONCE = 256
"""Images decoded at a time."""
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of top-level folders that are splits and not classes."""

T = TypeVar("T")
Item = tuple[str, bytes | Path]
Shape = tuple[int, int, int]
"""Channels, height and width of an image."""


@final
class Images(DataSource[ImagesParams]):
    """All images in a folder and below it, in order of name, or in an archive, in the archive's order.

    Folders named ``train``, ``validation`` (or ``val``) and ``test`` become splits; the next folder of an image is its
    class, and classes are numbered in order of name.
    """

    def load(self) -> Dataset:
        """Return the images, shape ``(n, c, h, w)``, with labels and splits from their folders.

        Raises:
            DataError: If there are none, one cannot be decoded, they differ in size, or some lie outside class folders.
        """
        path = self.params.path
        names, shapes = self._shapes()
        if not names:
            raise DataError(f"{path} holds no images ({', '.join(IMAGE_ENDINGS)}); name a folder that does")
        labels, splits = self._by_folder(_below_common(names) if path.is_file() else names)
        channels = self.params.channels or max(channels for channels, _, _ in shapes)
        shape = (len(names), *self._size(names, shapes), channels)
        data = Dataset(self._stored(shape), labels=labels, splits=splits)
        # Size and channels already fit, so that this resizes nothing a second time.
        return prepare(data, self.params)

    # Files

    def _items(self) -> Iterator[Item]:
        path = self.params.path
        if path.is_dir():
            files = ((file.relative_to(path).as_posix(), file) for file in visible_files(path))
            yield from ((name, file) for name, file in files if _is_image(name))
        else:
            yield from read_members(path, _is_image)

    def _shapes(self) -> tuple[list[str], list[Shape]]:
        names, shapes = [], []
        with task(f"looking at {self.params.path.name}") as advance:
            for name, shape in self._each(lambda name, content: image_shape(content, self._title(name))):
                names.append(name)
                shapes.append(shape)
                advance(1)
        return names, shapes

    def _each(self, work: Callable[[str, bytes | Path], T]) -> Iterator[tuple[str, T]]:
        """Yield the result of a function for every image, several at a time, as decoding releases Python's lock."""
        items = self._items()
        with ThreadPoolExecutor() as pool:
            while some := list(islice(items, AT_ONCE)):
                names, contents = zip(*some, strict=True)
                yield from zip(names, pool.map(work, names, contents), strict=True)

    def _title(self, name: str) -> str:
        return f"{self.params.path}/{name}"

    def _size(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[int, int]:
        if self.params.size is not None:
            return self.params.size, self.params.size
        sizes: dict[tuple[int, int], str] = {}
        for name, (_, height, width) in zip(names, shapes, strict=True):
            sizes.setdefault((height, width), name)
        if len(sizes) > 1:
            some = ", ".join(f"{width}x{height} ({name})" for (height, width), name in islice(sizes.items(), 3))
            raise DataError(
                f"{self.params.path} holds images of {len(sizes)} sizes, such as {some}; resize them to one, such as "
                "'-s data.size=64'"
            )
        return next(iter(sizes))

    def _by_folder(self, names: Sequence[str]) -> tuple[NDArray[np.int64] | None, dict[str, NDArray[np.int64]]]:
        folders = [PurePosixPath(name).parts[:-1] for name in names]
        splits: dict[str, NDArray[np.int64]] = {}
        if all(each and each[0].lower() in SPLITS for each in folders):
            of = np.array([SPLITS[each[0].lower()] for each in folders])
            splits = {str(name): np.flatnonzero(of == name) for name in np.unique(of)}
            folders = [each[1:] for each in folders]
        if self.params.labels == "none" or not any(folders):
            return None, splits
        if outside := [name for name, folder in zip(names, folders, strict=True) if not folder]:
            raise DataError(
                f"{self.params.path} holds {len(outside)} images outside class folders, such as {outside[0]}; put "
                "them into folders too, or use no labels with '-s data.labels=none'"
            )
        _, labels = np.unique([folder[0] for folder in folders], return_inverse=True)
        return labels.astype(np.int64), splits

    # Pixels

    def _stored(self, shape: tuple[int, ...]) -> torch.Tensor | OnDemand:
        n, height, width, channels = shape

        def pixels(name: str, content: bytes | Path) -> NDArray[np.uint8]:
            image = open_image(content, self._title(name), channels)
            return image_array(resize_image(image, (height, width), crop=self.params.crop)).transpose(1, 2, 0)

        def blocks() -> Iterator[NDArray[np.uint8]]:
            return (image[None] for _, image in self._each(pixels))

        if np.prod(shape) > IN_MEMORY:
            name = f"images-{self.params.content}-{height}x{width}x{channels}-{int(self.params.crop)}"
            return OnDemand.mapped(unpack(name, shape, np.dtype(np.uint8), blocks))
        images = np.empty(shape, np.uint8)
        with task(f"reading {self.params.path.name}", n) as advance:
            for at, block in enumerate(blocks()):
                images[at] = block[0]
                advance(1)
        return torch.from_numpy(images.transpose(0, 3, 1, 2)).contiguous()


def _is_image(name: str) -> bool:
    # Operating systems hide thumbnails in archives.
    hidden = any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)
    return name.lower().endswith(IMAGE_ENDINGS) and not hidden


def _below_common(names: Sequence[str]) -> list[str]:
    """Return names without the single top-level folder of an archive, if there is one."""
    outermost = {PurePosixPath(name).parts[0] for name in names}
    if len(outermost) > 1 or any("/" not in name for name in names) or next(iter(outermost)).lower() in SPLITS:
        return list(names)
    return [name.partition("/")[2] for name in names]
