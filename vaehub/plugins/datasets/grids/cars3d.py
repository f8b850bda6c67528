"""Cars3D."""

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat

from vaehub import DataError
from vaehub.files import read_members, resize_image
from vaehub.plugins.datasets.grids import cards
from vaehub.plugins.datasets.grids.grid import BYTE, SIDE, Grid

FOLDER = PurePosixPath("data/cars")
"""Folder of the cars in the archive, which contains other datasets too."""

RENDERED = 128
"""Height and width of the published images, in pixels."""


@final
class Cars3d(Grid):
    """Renderings of 183 models of cars: Reed et al. 2015, from the models of Fidler et al. 2012.

    A car's class is the rank of its file's name in alphabetical order. The reference, ``disentanglement_lib``, takes
    the order in which the folder is listed, which differs between machines, so that its classes of cars cannot be
    compared with others. Images are resized to 64x64 with Pillow's Lanczos filter, as in the reference.
    """

    card = cards.CARS3D

    def blocks(self, path: Path) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of all cars from one camera position after the other."""
        elevations, azimuths, n_cars = (size for _, size in self.card.factors)
        cars = {
            PurePosixPath(name).name: _views(content, f"{path}, {name}", (azimuths, elevations))
            for name, content in read_members(path, _is_car)
        }
        if len(cars) != n_cars:
            raise DataError(f"{path} should hold {n_cars} cars in {FOLDER}, and holds {len(cars)}; replace the file")
        in_order = [cars[name] for name in sorted(cars)]
        for elevation in range(elevations):
            for azimuth in range(azimuths):
                yield np.stack([views[elevation, azimuth] for views in in_order])


def _is_car(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parent == FOLDER and path.suffix == ".mat"


def _views(content: bytes, title: str, places: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the images of a car, shape ``(elevations, azimuths, 64, 64, 3)``, from its MATLAB file."""
    try:
        found = loadmat(io.BytesIO(content), variable_names=["im"])
    # Parsing a damaged file can raise many exceptions.
    except Exception as error:
        raise DataError(f"{title} cannot be read as a MATLAB file ({error}); replace the archive") from error
    shape = (RENDERED, RENDERED, 3, *places)
    images = found.get("im")
    if images is None or images.shape != shape or images.dtype != BYTE:
        has = "nothing" if images is None else f"{images.shape} of {images.dtype}"
        raise DataError(f"{title}, array 'im', should have shape {shape} of uint8, and has {has}; replace the archive")
    views = np.ascontiguousarray(images.transpose(4, 3, 0, 1, 2))
    small = np.empty((*views.shape[:2], SIDE, SIDE, 3), np.uint8)
    for place in np.ndindex(views.shape[:2]):
        picture = resize_image(Image.fromarray(views[place]), (SIDE, SIDE), crop=False, how="lanczos")
        small[place] = np.asarray(picture)
    return small
