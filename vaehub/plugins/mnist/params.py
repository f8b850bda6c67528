"""Parameters of the datasets in idx files."""

from pathlib import Path
from typing import Annotated

from vaehub import Field, Incidental, Params


class IdxParams(Params):
    """Where the files are, and what is made of them."""

    root: Annotated[Path | None, Incidental()] = Field(
        None, description="folder looked at first, with the files in it or in a folder named for the dataset"
    )
    pad: int = Field(0, ge=0, le=100, description="pixels of zeros added on every side; 2 gives 32x32")
    subset: int | None = Field(
        None, gt=0, le=60_000, description="training observations, drawn at random without replacement; none takes all"
    )
    subset_seed: int = Field(0, ge=0, description="decides which; apart from the seed of the training")
