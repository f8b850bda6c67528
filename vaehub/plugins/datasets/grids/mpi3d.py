"""MPI3D."""

from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import npz_blocks
from vaehub.plugins.datasets.grids import cards
from vaehub.plugins.datasets.grids.grid import BYTE, Grid
from vaehub.plugins.datasets.grids.params import Mpi3dParams


@final
class Mpi3d(Grid):
    """An object at the end of a robot arm: Gondal et al. 2019.

    All variants have six colours and six shapes, as in the published files. An earlier file of the simulated variants,
    which ``disentanglement_lib`` describes, has four of each.
    """

    Params = Mpi3dParams
    params: Mpi3dParams
    card = cards.MPI3D

    @property
    def file(self) -> str:
        """Name of the variant's file."""
        return cards.mpi3d_of(self.params.variant)

    def blocks(self, path: Path) -> Iterator[NDArray[np.uint8]]:
        """Yield the images, stored in the order of the grid."""
        header, blocks = npz_blocks(path, "images")
        if header.shape != self.shape or header.dtype != BYTE:
            raise DataError(
                f"{path}, array 'images', should have shape {self.shape} of uint8, and has {header.shape} of "
                f"{header.dtype}; replace the file"
            )
        yield from blocks
