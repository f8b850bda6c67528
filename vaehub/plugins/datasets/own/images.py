"""Pictures in a folder or an archive."""

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
    PICTURE_ENDINGS,
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
"""Bytes up to which pictures are kept in memory; more are kept in a file and mapped."""
AT_ONCE = 256
"""Pictures that are decoded together."""
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of the outermost folders that make them parts rather than classes."""

T = TypeVar("T")
Item = tuple[str, bytes | Path]
Look = tuple[int, int, int]
"""Channels, height and width of a picture."""


@final
class Images(DataSource[ImagesParams]):
    """Every picture in a folder and below it, or in an archive, in order of name; of an archive, in its own order.

    Folders named ``train``, ``validation`` (or ``val``) and ``test`` become parts; the next folder of a picture is its
    class, and classes are numbered in order of name.
    """

    def load(self) -> Dataset:
        """Return the pictures, shape ``(n, c, h, w)``, with the labels and parts that their folders give.

        Raises:
            DataError: If there are none, one cannot be decoded, they differ in size, or some lie outside class folders.
        """
        path = self.params.path
        names, looks = self._looks()
        if not names:
            raise DataError(f"{path} holds no pictures ({', '.join(PICTURE_ENDINGS)}); name a folder that does")
        labels, parts = self._by_folder(_below_common(names) if path.is_file() else names)
        channels = self.params.channels or max(channels for channels, _, _ in looks)
        shape = (len(names), *self._size(names, looks), channels)
        data = Dataset(self._stored(shape), labels=labels, splits=parts)
        # Size and channels are as wanted by now, so that this resizes nothing a second time.
        return prepare(data, self.params)

    # What there is

    def _items(self) -> Iterator[Item]:
        path = self.params.path
        if path.is_dir():
            files = ((file.relative_to(path).as_posix(), file) for file in visible_files(path))
            yield from ((name, file) for name, file in files if _is_picture(name))
        else:
            yield from read_members(path, _is_picture)

    def _looks(self) -> tuple[list[str], list[Look]]:
        names, looks = [], []
        with task(f"looking at {self.params.path.name}") as advance:
            for name, seen in self._each(lambda name, content: image_shape(content, self._title(name))):
                names.append(name)
                looks.append(seen)
                advance(1)
        return names, looks

    def _each(self, work: Callable[[str, bytes | Path], T]) -> Iterator[tuple[str, T]]:
        """Yield what work makes of every picture, several at a time: decoding leaves Python's lock alone."""
        items = self._items()
        with ThreadPoolExecutor() as pool:
            while some := list(islice(items, AT_ONCE)):
                names, contents = zip(*some, strict=True)
                yield from zip(names, pool.map(work, names, contents), strict=True)

    def _title(self, name: str) -> str:
        return f"{self.params.path}/{name}"

    def _size(self, names: Sequence[str], looks: Sequence[Look]) -> tuple[int, int]:
        if self.params.size is not None:
            return self.params.size, self.params.size
        sizes: dict[tuple[int, int], str] = {}
        for name, (_, height, width) in zip(names, looks, strict=True):
            sizes.setdefault((height, width), name)
        if len(sizes) > 1:
            some = ", ".join(f"{width}x{height} ({name})" for (height, width), name in islice(sizes.items(), 3))
            raise DataError(
                f"{self.params.path} holds pictures of {len(sizes)} sizes, such as {some}; give one to bring them to, "
                "such as '-s data.size=64'"
            )
        return next(iter(sizes))

    def _by_folder(self, names: Sequence[str]) -> tuple[NDArray[np.int64] | None, dict[str, NDArray[np.int64]]]:
        folders = [PurePosixPath(name).parts[:-1] for name in names]
        parts: dict[str, NDArray[np.int64]] = {}
        if all(each and each[0].lower() in PARTS for each in folders):
            of = np.array([PARTS[each[0].lower()] for each in folders])
            parts = {str(name): np.flatnonzero(of == name) for name in np.unique(of)}
            folders = [each[1:] for each in folders]
        if self.params.labels == "none" or not any(folders):
            return None, parts
        if outside := [name for name, folder in zip(names, folders, strict=True) if not folder]:
            raise DataError(
                f"{self.params.path} holds {len(outside)} pictures outside class folders, such as {outside[0]}; put "
                "them into folders too, or take no labels with '-s data.labels=none'"
            )
        _, labels = np.unique([folder[0] for folder in folders], return_inverse=True)
        return labels.astype(np.int64), parts

    # Pixels

    def _stored(self, shape: tuple[int, ...]) -> torch.Tensor | OnDemand:
        n, height, width, channels = shape

        def pixels(name: str, content: bytes | Path) -> NDArray[np.uint8]:
            picture = open_image(content, self._title(name), channels)
            return image_array(resize_image(picture, (height, width), crop=self.params.crop)).transpose(1, 2, 0)

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


def _is_picture(name: str) -> bool:
    # Systems hide their own pictures of pictures in archives.
    hidden = any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)
    return name.lower().endswith(PICTURE_ENDINGS) and not hidden


def _below_common(names: Sequence[str]) -> list[str]:
    """Return names without the one folder that an archive has packed them all into, if there is one."""
    outermost = {PurePosixPath(name).parts[0] for name in names}
    if len(outermost) > 1 or any("/" not in name for name in names) or next(iter(outermost)).lower() in PARTS:
        return list(names)
    return [name.partition("/")[2] for name in names]
