"""The rooms as a dataset."""

import math
from typing import final

import numpy as np
from numpy.typing import NDArray

from vaehub import Dataset, DataSource, Factors, ImageParams, OnDemand, prepare
from vaehub.plugins.datasets.scenes.kernels import NAMES, SIDE, SIZES, VALUES, render


@final
class Scenes(DataSource[ImageParams]):
    """Rooms with an object in them, drawn on demand: the factors of 3D Shapes, with our own images."""

    def load(self) -> Dataset:
        """Return the images, on demand, shape ``(480000, 3, 64, 64)``, with their factors."""
        factors = Factors.grid(NAMES, SIZES, [VALUES[name].tolist() for name in NAMES])
        x = OnDemand.rendered(math.prod(SIZES), (3, SIDE, SIDE), _images)
        return prepare(Dataset(x, factors=factors), self.params)


def _images(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    return render(np.stack(np.unravel_index(rows, SIZES), axis=1))
