"""Parameters of MPI3D."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class Mpi3dParams(FileParams):
    """Which of the MPI3D datasets."""

    variant: Literal["toy", "realistic", "real"] = Field(
        "toy", description="toy: drawn simply; realistic: drawn with light and shadow; real: photographed"
    )
