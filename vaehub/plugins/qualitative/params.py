"""Parameters of qualitative metrics. Loads no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, SampleParams, SampleSize, SplitName, SplitParams

Count = Annotated[int, Bound(gt=0)]
Row = Annotated[int, Bound(ge=0)]


class ReconstructionsParams(SplitParams):
    """Parameters of reconstructions."""

    n: Annotated[int, Bound(gt=0, le=1000)] = Field(
        10, description="observations that are reconstructed; all there are, if the split has fewer"
    )
    choice: Literal["spread", "first"] = Field(
        "spread",
        description="drawn at random, evenly over classes where labels are known (spread), or the first rows (first)",
    )
    sample: bool = Field(False, description="whether to decode a sample from each posterior besides its mean")


class PriorSamplesParams(SplitParams):
    """Parameters of samples from the prior."""

    n: int = Field(64, gt=0, le=10_000, description="draws")
    density: Literal["prior", "standard_normal", "fitted"] = Field(
        "prior",
        description="distribution of the draws: the prior of the model; or, for autoencoders without one, the standard "
        "normal, or a Gaussian fitted to the posterior means",
    )
    split: SplitName = Field("train", description="split of the data that the Gaussian is fitted to")


class InterpolationParams(SplitParams):
    """Parameters of interpolations."""

    n_pairs: Annotated[int, Bound(gt=0, le=50)] = Field(
        5,
        description="pairs of observations, with different labels where labels are known; at most one pair for each "
        "observation of the split",
    )
    n_steps: int = Field(9, ge=2, le=50, description="points on each line, both ends included")


class LatentScatterParams(SampleParams):
    """Parameters of the scatter of posterior means."""

    n_samples: SampleSize = Field("all", description="observations shown; all there are, if the split has fewer")
    factor: str | None = Field(None, description="factor of variation that decides the colour; none takes the labels")


class TraversalParams(SampleParams):
    """Parameters of traversals; the defaults are the range of Bonheme 2023."""

    n_steps: int = Field(10, ge=2, le=50, description="values that each latent takes")
    span: Literal["thesis", "higgins", "prior", "means"] = Field(
        "thesis",
        description="-2 to 2 (thesis), -3 to 3 (higgins), or 3 standard deviations to each side: of a learned prior "
        "about 0 (prior), or of the posterior means about their mean (means)",
    )
    spacing: Literal["even", "quantile"] = Field(
        "even",
        description="equal distances, or the medians of intervals that are equally probable under a Gaussian",
    )
    n_latents: Count | Literal["all", "relevant"] = Field(
        "all", description="latents traversed, the first ones in the order; relevant takes those with 99 % of relevance"
    )
    order: Literal["variance", "relevance", "index"] = Field(
        "variance",
        description="from the greatest variance of the posterior means, or the greatest relevance, down; or by index",
    )
    example: Row | Literal["random"] = Field(
        "random", description="row of the split whose posterior mean the other latents keep; random draws it"
    )
    n_samples: SampleSize = Field(
        500,
        description="observations that the variances of posterior means are computed from; all there are, if the split "
        "has fewer",
    )
    n_jacobian: int = Field(
        100,
        gt=0,
        description="observations over which the relevance is averaged, at most; only where it is used",
    )
