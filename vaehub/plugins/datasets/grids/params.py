"""Parameters of MPI3D."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class Mpi3dParams(FileParams):
    """Choice of the MPI3D dataset."""

    variant: Literal["toy", "realistic", "real"] = Field(
        "toy", description="toy: simple rendering; realistic: rendering with light and shadow; real: photographs"
    )
