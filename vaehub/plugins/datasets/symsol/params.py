"""Parameters of Symmetric Solids."""

from vaehub import Field
from vaehub.files import FileParams


class SymsolParams(FileParams):
    """How the images are made smaller; they are kept so in the cache."""

    channels: int | None = Field(1, description="1 makes images grey (ITU-R BT.601 luma), 3 or none keeps colour")
    size: int | None = Field(
        64, gt=0, le=1024, description="height and width, resized bilinearly with antialiasing; none keeps 224 (60 GB)"
    )
