"""Parameters of diversity. Knows no torch."""

from typing import Literal

from vaehub import Field, SampleParams, SampleSize
from vaehub.features import FeatureParams

N_SAMPLES = "observations drawn; all there are, if the split has fewer; all compares every pair"


class PairsParams(SampleParams):
    """Which observations are paired, and how the interval is estimated."""

    n_bootstrap: int = Field(
        1000, ge=0, le=1_000_000, description="resamplings of observations for the interval; 0 leaves it out"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resampled means that the interval contains")


class SsimDiversityParams(PairsParams):
    """Parameters of the structural diversity; defaults reproduce the published values."""

    n_samples: SampleSize = Field(200, description=N_SAMPLES)
    variant: Literal["windowed", "gaussian", "global"] = Field(
        "windowed",
        description="statistics of 7x7 windows (reproduces the published values), of 11x11 Gaussian windows, or of "
        "whole images (the printed formula)",
    )


class EmbeddingDiversityParams(FeatureParams, PairsParams):
    """Parameters of the diversity of embeddings, which are the named features; defaults need no file."""

    n_samples: SampleSize = Field(1000, description=N_SAMPLES)
