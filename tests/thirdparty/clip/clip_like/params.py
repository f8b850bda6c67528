"""Parameters of the extractor, without PyTorch."""

from vaehub import Field
from vaehub.features import WeightsParams


class ClipLikeParams(WeightsParams):
    side: int = Field(16, ge=4, multiple_of=4, description="pixels that images are resized to, on each side")
