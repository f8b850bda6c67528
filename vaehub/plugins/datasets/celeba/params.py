"""Parameters of CelebA."""

from vaehub import Field
from vaehub.files import FileParams


class CelebaParams(FileParams):
    """What is cut out of the images, and what comes with them."""

    # As Tolstikhin et al. 2018 and Ghosh et al. 2020 cut, with whose figures those of ARD-VAE are compared.
    crop: int = Field(
        140, gt=0, le=178, description="side of the centred square that is cut out, in pixels; 178 keeps the full width"
    )
    size: int | None = Field(
        64,
        gt=0,
        le=1024,
        description="height and width that the square is resized to, bilinearly with antialiasing; none keeps them",
    )
    attributes: bool = Field(False, description="whether the 40 attributes are given as factors of two values")
    partition: bool = Field(False, description="whether there are the official splits train, validation and test")
