"""SmallNORB."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vaehub import DataError, Dataset, DataSource, Factors, OnDemand, prepare
from vaehub.files import DataCard, FileParams, fetch, resize_image, unpack
from vaehub.plugins.datasets.grids import cards
from vaehub.plugins.datasets.grids.grid import BYTE, SIDE, kept_name
from vaehub.plugins.datasets.grids.matrices import INTEGER, matrix_blocks, read_matrix

SPLITS = ("train", "test")

PAIR = (2, 96, 96)
"""Shape of an image pair: camera, height and width in pixels."""

INSTANCE, ELEVATION, AZIMUTH, LIGHTING = range(4)
"""Columns of the ``info`` files."""


@final
class SmallNorb(DataSource[FileParams]):
    """Photographs of 50 toys, from the first of two cameras: LeCun, Huang & Bottou 2004.

    Labels are the categories: animal, human, aeroplane, truck, car. Each has ten instances, which are not a factor, as
    in ``disentanglement_lib``; so every combination of factors occurs ten times: five times in the split ``train``
    (instances 4, 6, 7, 8 and 9) and five times in ``test`` (0, 1, 2, 3 and 5). Elevation and azimuth are in degrees,
    lighting is a number. Images are resized to 64x64 with Pillow's Lanczos filter.
    """

    card: ClassVar[DataCard] = cards.SMALLNORB
    values: ClassVar[tuple[tuple[float, ...], ...]] = (
        tuple(map(float, range(5))),
        tuple(map(float, range(30, 75, 5))),
        tuple(map(float, range(0, 360, 20))),
        tuple(map(float, range(6))),
    )

    def load(self) -> Dataset:
        """Return all images, on demand, shape ``(n, 1, 64, 64)``, in the splits ``train`` and ``test``.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        classes = [self._classes(split) for split in SPLITS]
        paths = [self._file(split, "dat") for split in SPLITS]
        n_train, n = len(classes[0]), sum(map(len, classes))
        images = unpack(kept_name(self.card.folder, *paths), (n, SIDE, SIDE), BYTE, lambda: _images(paths))
        names, sizes = zip(*self.card.factors, strict=True)
        factors = Factors(names, sizes, torch.from_numpy(np.concatenate(classes)), self.values)
        splits = {"train": range(n_train), "test": range(n_train, n)}
        data = Dataset(OnDemand.mapped(images), labels=factors.classes[:, 0], factors=factors, splits=splits)
        return prepare(data, self.params)

    def _file(self, split: str, kind: str) -> Path:
        return fetch(self.card, cards.norb_of(split, kind), self.params.root)

    def _classes(self, split: str) -> NDArray[np.int64]:
        """Return the class of each factor of a split, shape ``(n, 4)``."""
        category = read_matrix(self._file(split, "cat"), INTEGER, ())
        path = self._file(split, "info")
        info = read_matrix(path, INTEGER, (4,))
        if len(info) != len(category):
            raise DataError(f"{path} describes {len(info)} images, and there are {len(category)}; replace the file")
        # Azimuths are counted in tens of degrees, and only even ones occur.
        columns = [category, info[:, ELEVATION], info[:, AZIMUTH] // 2, info[:, LIGHTING]]
        return np.stack(columns, axis=1).astype(np.int64)


def _images(paths: list[Path]) -> Iterator[NDArray[np.uint8]]:
    for path in paths:
        # Block by block, because all images take 450 MB.
        for pairs in matrix_blocks(path, BYTE, PAIR):
            yield np.stack([_small(image) for image in pairs[:, 0]])


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(resize_image(Image.fromarray(image), (SIDE, SIDE), crop=False, how="lanczos"))
