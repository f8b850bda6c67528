"""3D Shapes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import opened_hdf5
from vaehub.plugins.datasets.grids import cards
from vaehub.plugins.datasets.grids.grid import Grid

ROWS_AT_ONCE = 4096
"""Images unpacked at a time, about 50 MB."""

TOLERANCE = 1e-6
"""Labels are stored in full precision, so that only wrong ones deviate from their values by more than this."""


def _evenly(first: float, last: float, n: int) -> tuple[float, ...]:
    return tuple(np.linspace(first, last, n).tolist())


@final
class Shapes3d(Grid):
    """Rooms with an object in them: Burgess & Kim 2018.

    Hues are shares of the colour circle; shapes are cube, cylinder, sphere and capsule; orientation is in degrees.
    """

    card = cards.SHAPES3D
    values: ClassVar[tuple[tuple[float, ...], ...]] = (
        _evenly(0, 0.9, 10),
        _evenly(0, 0.9, 10),
        _evenly(0, 0.9, 10),
        _evenly(0.75, 1.25, 8),
        (0.0, 1.0, 2.0, 3.0),
        _evenly(-30, 30, 15),
    )

    def blocks(self, path: Path) -> Iterator[NDArray[np.uint8]]:
        """Yield the images, after comparing every label of the file with the grid."""
        with opened_hdf5(path, "the file of 3D Shapes") as (file, _):
            images, labels = file["images"], file["labels"]
            self._check(path, images, labels)
            # Whole chunks of the file, because otherwise each would be decompressed several times.
            chunk = images.chunks[0] if images.chunks else 1
            step = chunk * max(1, ROWS_AT_ONCE // chunk)
            for start in range(0, len(images), step):
                yield images[start : start + step]

    def _check(self, path: Path, images: Any, labels: Any) -> None:
        n, m = self.shape[0], len(self.values)
        for name, found, shape, dtype in (("images", images, self.shape, "uint8"), ("labels", labels, (n, m), "f8")):
            if found.shape != shape or found.dtype != np.dtype(dtype):
                raise DataError(
                    f"{path}, array {name!r}, should have shape {shape} of {np.dtype(dtype)}, and has {found.shape} of "
                    f"{found.dtype}; replace the file"
                )
        classes = self.factors().classes.numpy()
        expected = np.stack([np.array(axis)[classes[:, at]] for at, axis in enumerate(self.values)], axis=1)
        wrong = np.flatnonzero(~(np.abs(labels[:] - expected) < TOLERANCE).all(axis=1))
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{path} labels image {row} {labels[row].tolist()}, and it should be {expected[row].tolist()}; "
                "replace the file"
            )
