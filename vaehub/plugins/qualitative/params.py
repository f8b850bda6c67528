"""Parameters of what is looked at. Knows no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params

Part = Literal["train", "validation", "test", "all"]
Count = Annotated[int, Bound(gt=0)]
AtLeastTwo = Annotated[int, Bound(ge=2)]
Row = Annotated[int, Bound(ge=0)]


class ReconstructionsParams(Params):
    """Parameters of reconstructions."""

    n: int = Field(10, gt=0, le=1000, description="observations that are reconstructed")
    choice: Literal["spread", "first"] = Field(
        "spread", description="drawn, as many of each class as of any other where labels are known; or the first ones"
    )
    sample: bool = Field(False, description="whether one sample of each posterior is decoded too, besides its mean")
    part: Part = Field("train", description="split of the data that is used")


class PriorSamplesParams(Params):
    """Parameters of samples from the prior."""

    n: int = Field(64, gt=0, le=10_000, description="draws")
    density: Literal["prior", "fitted"] = Field(
        "prior",
        description="what is drawn from: the model's prior, or a Gaussian fitted to the posterior means, for "
        "autoencoders that have learned no prior",
    )
    part: Part = Field("train", description="split of the data that the Gaussian is fitted to")


class InterpolationParams(Params):
    """Parameters of interpolations."""

    n_pairs: int = Field(5, gt=0, le=50, description="pairs, of different labels where labels are known")
    n_steps: int = Field(9, ge=2, le=50, description="values on each line, both ends included")
    part: Part = Field("train", description="split of the data that is used")


class LatentScatterParams(Params):
    """Parameters of the scatter of posterior means."""

    n_samples: AtLeastTwo | Literal["all"] = Field(
        "all", description="observations drawn without replacement; all takes each one of the part"
    )
    factor: str | None = Field(None, description="factor of variation that decides the colour; none takes the labels")
    part: Part = Field("train", description="split of the data that is used")


class TraversalParams(Params):
    """Parameters of traversals; the defaults are the range of Bonheme 2023."""

    n_steps: int = Field(10, ge=2, le=50, description="values that each latent takes")
    span: Literal["thesis", "higgins", "prior", "means"] = Field(
        "thesis",
        description="-2 to 2 (thesis), -3 to 3 (higgins), or 3 standard deviations to each side: of a learned prior "
        "about 0 (prior), or of the posterior means about their mean (means)",
    )
    spacing: Literal["even", "quantile"] = Field(
        "even",
        description="equal distances, or the medians of parts that are equally probable under a Gaussian",
    )
    n_latents: Count | Literal["all", "relevant"] = Field(
        "all", description="latents traversed, the first ones in the order; relevant takes those with 99 % of relevance"
    )
    order: Literal["variance", "relevance", "index"] = Field(
        "variance",
        description="from the greatest variance of the posterior means, or the greatest relevance, down; or by index",
    )
    example: Row | Literal["random"] = Field(
        "random", description="row of the part whose mean the other latents stay at; random draws it"
    )
    n_samples: int = Field(500, gt=1, description="observations that variances of the means are of")
    n_jacobian: int = Field(
        100, gt=0, description="observations over which the relevance is averaged, at most; only where it is asked for"
    )
    part: Part = Field("train", description="split of the data that is used")
