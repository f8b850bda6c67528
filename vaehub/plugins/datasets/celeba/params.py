"""Parameters of CelebA."""

from vaehub import Field
from vaehub.files import FileParams


class CelebaParams(FileParams):
    """Cropping of the images, and attributes."""

    # As in Tolstikhin et al. 2018 and Ghosh et al. 2020, with whose results those of ARD-VAE are compared.
    crop: int = Field(
        140, gt=0, le=178, description="side of the centred square that is cut out, in pixels; 178 keeps the full width"
    )
    size: int | None = Field(
        64,
        gt=0,
        le=1024,
        description="height and width to which the square is resized, bilinearly with antialiasing; none keeps it",
    )
    attributes: bool = Field(False, description="load the 40 attributes as factors of two values")
    partition: bool = Field(False, description="load the official splits train, validation and test")
