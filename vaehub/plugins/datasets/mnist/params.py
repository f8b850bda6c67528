"""Parameters of MNIST and its kin."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class IdxParams(FileParams):
    """Which official splits are loaded."""

    splits: Literal["both", "train", "test"] = Field("both", description="official splits that are loaded")


class EmnistParams(IdxParams):
    """Which of the EMNIST datasets."""

    variant: Literal["balanced", "letters", "digits"] = Field(
        "balanced", description="balanced: 47 classes; letters: 26, both cases in one; digits: 10"
    )
