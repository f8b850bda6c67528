"""Images in a folder or an archive, as a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, OnDemand, prepare, task
from vaehub.files import IMAGE_ENDINGS, Bound, ImageHead, unpack
from vaehub.plugins.datasets.own import IDX_ENDINGS
from vaehub.plugins.datasets.own.foreign import foreign
from vaehub.plugins.datasets.own.layout import below_common, layout_of
from vaehub.plugins.datasets.own.params import ImagesParams
from vaehub.plugins.datasets.own.pictures import Pictures, Survey
from vaehub.plugins.datasets.own.raw import idx_dataset, raw_dataset

IN_MEMORY = 1 << 30
"""Bytes up to which images are kept in memory; more are kept in a memory-mapped file."""
USUAL_WHITES = (255, 65535)
"""Values that are white by the type of a file."""
DARK = 16
"""Images of which no value reaches this are nearly black, and mean another value by white."""
SCANNED = 1024
"""Images of which the largest value is looked for at a time."""


@final
class Images(DataSource[ImagesParams]):
    """All images in a folder and below it, in order of name, or in an archive, in the archive's order.

    Folders named ``train``, ``validation`` (or ``val``) and ``test`` become splits; the next folder of an image is its
    class, and classes are numbered in order of name. A folder without images may hold idx files or batches of CIFAR.
    """

    def load(self) -> Dataset:
        """Return the images, shape ``(n, c, h, w)``, with labels and splits from their folders.

        The notes of the dataset say what was left out, and what could be meant otherwise.

        Raises:
            TooLarge: If they take more bytes than they may.
            DataError: If there are none, one cannot be decoded, they differ in size, or some lie outside class folders.
        """
        # Size and channels already fit, so that this resizes nothing a second time.
        return prepare(self._whole(), self.params)

    def _whole(self) -> Dataset:
        path, bound = self.params.path, Bound.of(self.params.max_bytes)
        transpose = self.params.transpose
        if path.name.lower().endswith(IDX_ENDINGS) and path.is_file():
            return idx_dataset(path, bound, transpose=transpose)
        pictures = Pictures(self.params)
        survey = pictures.survey()
        if not survey.files:
            raw = raw_dataset(path, bound, transpose=transpose) if path.is_dir() else None
            if raw is None:
                beside = f"; {'; '.join(survey.notes)}" if survey.notes else ""
                raise DataError(
                    foreign(path)
                    or f"{path} holds no images ({', '.join(IMAGE_ENDINGS)}){beside}; name a folder that does"
                )
            return raw
        if transpose:
            raise DataError(f"{path} holds images, and 'transpose' is for idx files; leave it out")
        names, heads = survey.names, survey.heads
        layout = layout_of(path, below_common(names) if path.is_file() else names, self.params.labels)
        n_channels = self.params.channels or max(head.shape[0] for head in heads)
        size = self._size(names, heads)
        bound.check(
            len(names) * size[0] * size[1] * n_channels,
            f"the {len(names):,} images in {path}",
            "make them smaller with '-s data.size=64', or ",
        )
        stored, notes = self._stored(pictures, survey, size, n_channels)
        return Dataset(
            stored,
            labels=layout.labels,
            class_names=layout.class_names,
            splits=layout.splits,
            notes=(*survey.notes, *layout.notes, *_of_colour(names, heads, n_channels), *notes),
        )

    def _size(self, names: Sequence[str], heads: Sequence[ImageHead]) -> tuple[int, int]:
        if self.params.size is not None:
            return self.params.size, self.params.size
        sizes: dict[tuple[int, int], str] = {}
        for name, head in zip(names, heads, strict=True):
            sizes.setdefault(head.shape[1:], name)
        if len(sizes) > 1:
            some = ", ".join(f"{width}x{height} ({name})" for (height, width), name in islice(sizes.items(), 3))
            raise DataError(
                f"{self.params.path} holds images of {len(sizes)} sizes, such as {some}; resize them to one, such as "
                "'-s data.size=64'"
            )
        return next(iter(sizes))

    def _stored(
        self, pictures: Pictures, survey: Survey, size: tuple[int, int], n_channels: int
    ) -> tuple[torch.Tensor | OnDemand, list[str]]:
        n, (height, width) = len(survey.heads), size
        whites, notes = pictures.whites(survey.files)

        def pixels() -> Iterator[NDArray[np.uint8]]:
            return pictures.pixels(survey.files, whites, size, n_channels)

        if n * height * width * n_channels > IN_MEMORY:
            name = self._unpacked_name(size, n_channels, _chosen_whites(survey, whites))
            shape = (n, height, width, n_channels)
            mapped = unpack(name, shape, np.dtype(np.uint8), lambda: (image[None] for image in pixels()))
            return OnDemand.mapped(mapped), notes + self._of_darkness(mapped)
        images = np.empty((n, n_channels, height, width), np.uint8)
        with task(f"reading {self.params.path.name}", n) as advance:
            for at, image in enumerate(pixels()):
                images[at] = image.transpose(2, 0, 1)
                advance(1)
        return torch.from_numpy(images), notes + self._of_darkness(images)

    def _unpacked_name(self, size: tuple[int, int], n_channels: int, whites: Sequence[float]) -> str:
        params = self.params
        name = f"images-{params.content}-{size[0]}x{size[1]}x{n_channels}-{int(params.crop)}"
        told = [f"-{params.on_broken}"] if params.on_broken != "refuse" else []
        told += [f"-{params.pages}"] if params.pages != "first" else []
        told += [f"-white{white:g}" for white in ([params.white] if params.white else whites)]
        return name + "".join(told)

    def _of_darkness(self, images: NDArray[np.uint8]) -> list[str]:
        highest = 0
        for start in range(0, len(images), SCANNED):
            highest = max(highest, int(images[start : start + SCANNED].max()))
            if highest >= DARK:
                return []
        if not highest:
            return ["all images are black"]
        return [
            f"all images are nearly black: no value is above {highest}, and 255 is white; if {highest} is meant to be "
            f"white, say '-s data.white={highest}'"
        ]


def _chosen_whites(survey: Survey, whites: Mapping[tuple[int, int], float]) -> list[float]:
    """Return the values that are white, but for those of the usual types."""
    pages = {(file.at, page): head.white for file in survey.files for page, head in enumerate(file.heads)}
    return sorted({white for page, white in whites.items() if pages[page] not in USUAL_WHITES})


def _of_colour(names: Sequence[str], heads: Sequence[ImageHead], n_channels: int) -> Iterator[str]:
    colour = [name for name, head in zip(names, heads, strict=True) if head.shape[0] == 3]
    if n_channels == 1 and colour:
        yield f"{len(colour):,} of {len(names):,} images are stored in colour, and read as grey"
    elif 0 < len(colour) < len(names) and n_channels == 3:
        yield (
            f"{len(colour):,} of {len(names):,} images are in colour, such as {colour[0]}, so that all have three "
            "channels; '-s data.channels=1' makes all grey"
        )
