"""Base class of datasets with every combination of some factors."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vaehub import Dataset, DataSource, Factors, OnDemand, prepare
from vaehub.files import DataCard, FileParams, checksum, fetch, unpack

SIDE = 64
"""Height and width of a stored image, in pixels."""

BYTE = np.dtype(np.uint8)


class Grid(DataSource[FileParams]):
    """Colour images of every combination of factors, the last factor varying fastest.

    The file is unpacked once, into the cache, from which batches are read on demand.
    """

    card: ClassVar[DataCard]
    values: ClassVar[tuple[tuple[float, ...], ...]] = ()
    """Value of each class of each factor; empty if unknown."""

    def load(self) -> Dataset:
        """Return all images, on demand, shape ``(n, 3, 64, 64)``, with their factors.

        Raises:
            DataError: If the file is not available, is not the published one, or does not fit into the cache.
        """
        path = fetch(self.card, self.file, self.params.root)
        images = unpack(kept_name(self.card.folder, path), self.shape, BYTE, lambda: self.blocks(path))
        return prepare(Dataset(OnDemand.mapped(images), factors=self.factors()), self.params)

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.card.files[0].name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all images together, rows from the top, channels last."""
        return math.prod(size for _, size in self.card.factors), SIDE, SIDE, 3

    def factors(self) -> Factors:
        """Return the factors of all images."""
        names, sizes = zip(*self.card.factors, strict=True)
        return Factors.grid(names, sizes, self.values)

    @abstractmethod
    def blocks(self, path: Path) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of the file in the order of the grid, in blocks ``(k, 64, 64, 3)``."""


def kept_name(name: str, *paths: Path) -> str:
    """Return a cache name for an array made from some files, unique to their content."""
    return "-".join([name, *(checksum(path, "md5").removeprefix("md5:") for path in paths)])
