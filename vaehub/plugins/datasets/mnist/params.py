"""Parameters of MNIST and its kin."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class IdxParams(FileParams):
    """Choice of the official splits."""

    # Part of the identity of every training on these data, so it keeps its name.
    parts: Literal["both", "train", "test"] = Field("both", description="official splits that are loaded")


class EmnistParams(IdxParams):
    """Choice of the EMNIST dataset."""

    variant: Literal["balanced", "letters", "digits"] = Field(
        "balanced", description="balanced: 47 classes; letters: 26, upper and lower case merged; digits: 10"
    )
