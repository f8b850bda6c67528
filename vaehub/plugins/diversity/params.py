"""Parameters of diversity. Knows no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params
from vaehub.features import FeatureParams

Count = Annotated[int, Bound(ge=2)]


class DrawnParams(Params):
    """Which images are compared, and how sure the answer is; a metric adds how many."""

    part: Literal["train", "validation", "test", "all"] = Field(
        "train", description="split of the data; data without parts are taken whole"
    )
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the images for the interval; 0 leaves it out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that the interval holds")


class SsimDiversityParams(DrawnParams):
    """Parameters of the structural diversity; defaults reproduce the published figures."""

    n_samples: Count | Literal["all"] = Field(
        200, description="images drawn without replacement; all takes every image, and so every pair"
    )
    variant: Literal["windowed", "gaussian", "global"] = Field(
        "windowed",
        description="statistics of 7x7 windows (reproduces the published figures), of Gaussian windows of 11x11, or of "
        "whole images (the printed formula)",
    )


class EmbeddingDiversityParams(FeatureParams, DrawnParams):
    """Parameters of the diversity of embeddings, which are the features that are named; defaults need no file."""

    n_samples: Count | Literal["all"] = Field(
        1000, description="images drawn without replacement; all takes every image, and so every pair"
    )
