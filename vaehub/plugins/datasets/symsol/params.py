"""Parameters of Symmetric Solids."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class SymsolParams(FileParams):
    """Downsampling of the images; the cache keeps only the result."""

    channels: Literal[1, 3] | None = Field(
        1, description="1 converts to grey (ITU-R BT.601 luma), 3 or none keeps colour"
    )
    size: int | None = Field(
        64, gt=0, le=1024, description="height and width, resized bilinearly with antialiasing; none keeps 224 (60 GB)"
    )
