"""Parameters of diversity."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params

Count = Annotated[int, Bound(ge=2)]


class SsimDiversityParams(Params):
    """Parameters of the structural diversity; defaults reproduce the published figures."""

    n_samples: Count | Literal["all"] = Field(
        200, description="images drawn without replacement; all takes every image, and so every pair"
    )
    variant: Literal["windowed", "gaussian", "global"] = Field(
        "windowed",
        description="statistics of 7x7 windows (reproduces the published figures), of Gaussian windows of 11x11, or of "
        "whole images (the printed formula)",
    )
    part: Literal["train", "validation", "test", "all"] = Field(
        "train", description="part of the data; data without parts are taken whole"
    )
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the images for the interval; 0 leaves it out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that the interval holds")
