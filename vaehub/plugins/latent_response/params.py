"""Parameters of latent responses. Loads no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params, SampleParams, SampleSize, SplitName

Latent = Annotated[int, Bound(ge=0)]
Row = Annotated[int, Bound(ge=0)]
Positive = Annotated[float, Bound(gt=0)]
Point = tuple[float, ...]


class PosteriorParams(SampleParams):
    """Which observations the aggregate posterior is averaged over."""

    n_samples: SampleSize = Field(1024, description="observations drawn; all there are, if the split has fewer")


class ResponseMatrixParams(PosteriorParams):
    """Parameters of the latent response matrix."""

    source: Literal["posterior", "prior"] = Field(
        "posterior",
        description="distribution of latents and their replacements: the aggregate posterior, as in the paper, or "
        "the prior, as the released code has it unless it is given data",
    )
    use_mean: bool = Field(False, description="posterior means instead of one draw from each posterior")
    causal_threshold: float = Field(
        0.5, ge=0, description="a latent is causal if it responds to itself by at least this much"
    )
    edge_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="an edge is a response above this share of what the latent's response varies by, and above the "
        "null; the square is a share of variance",
    )
    edge_threshold: float | None = Field(
        None, gt=0, description="an edge is a response above this number instead, in the latents' unit"
    )
    confidence: float = Field(
        0.95, gt=0, lt=1, description="of the intervals of all responses together; an edge's is above the threshold"
    )
    symmetry: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="two edges between one pair are about the same if they differ by at most this share of the greater",
    )
    pair_share: float = Field(
        0.15,
        ge=0,
        le=1,
        description="a symmetric pair is one variable if each moves the other by this share of what it varies by",
    )


class ConditionedMatrixParams(SampleParams):
    """Parameters of the conditioned response matrix."""

    n_groups: int = Field(
        50, gt=0, le=1_000_000, description="groups of observations that agree in all factors but one"
    )
    n_interventions: int = Field(32, gt=0, le=1_000_000, description="interventions on each latent in each group")
    factors: tuple[str, ...] = Field(
        (), description="factors of the matrix; without names, all that take two values or more"
    )
    complete: bool = Field(
        True, description="whether a group must have every value of its factor; otherwise two values are enough"
    )
    use_mean: bool = Field(False, description="posterior means, as the released code has it, instead of draws")
    group_reduction: Literal["rms", "mean"] = Field(
        "rms",
        description="root of the mean square over all groups, as in the paper, or mean over groups of each group's "
        "root, as the released code has it",
    )
    causal_only: bool = Field(True, description="whether scores leave out latents that are not causal")
    causal_threshold: float = Field(
        0.5, ge=0, description="a latent is causal if it responds to itself by at least this much"
    )
    n_samples: SampleSize = Field(
        1024, description="observations that decide which latents are causal; all there are, if the split has fewer"
    )
    # Groups are complete only in the whole data: 9 in 10 observations seldom contain all 32 values of a factor.
    split: SplitName = Field("all", description="split of the data that groups are drawn from")


class StructureScoreParams(PosteriorParams):
    """Parameters of the structure score."""

    n_draws: int = Field(
        2000, ge=2, le=100_000, description="draws from the prior, and as many responses, that are compared"
    )
    n_repeats: int = Field(5, ge=1, le=10_000, description="comparisons, each with draws of its own")
    response: Literal["sampled", "mean"] = Field(
        "sampled", description="a draw from the posterior of what was decoded, or that posterior's mean"
    )
    kernel: Literal["imq", "rbf"] = Field(
        "imq", description="inverse multiquadratic of several scales, or Gaussian with a width taken from the distances"
    )
    scales: tuple[Positive, ...] = Field(
        (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        min_length=1,
        description="scales of the inverse multiquadratic kernel, in units of twice the prior's variance summed over "
        "latents, which is the mean squared distance of two draws from it",
    )
    bandwidth: float | None = Field(
        None, gt=0, description="variance of the Gaussian kernel; none takes it from the distances"
    )
    n_permutations: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="exchanges of draws and responses for the interval without a difference; 0 for none",
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the exchanges that the interval holds")
    causal_threshold: float = Field(
        0.5, ge=0, description="a latent is causal if it responds to itself by at least this much"
    )


class ResponseFieldParams(PosteriorParams):
    """Parameters of the response field."""

    n_samples: SampleSize = Field(
        5000, description="observations whose posteriors make up the density; all there are, if the split has fewer"
    )
    latents: tuple[Latent, Latent] = Field((0, 1), description="the two latents of the plane")
    extent: tuple[float, float, float, float] = Field(
        (-2.0, 2.0, -2.0, 2.0), description="least and greatest value of the first latent, then of the second"
    )
    size: int = Field(100, le=2000, description="grid points along each axis, at least 2")
    rest: Literal["average", "sample"] = Field(
        "average", description="the other latents: a mean over n_rest draws, or one draw, the same for all points"
    )
    n_rest: int = Field(64, gt=0, le=100_000, description="draws of the other latents that the field is a mean over")
    source: Literal["posterior", "prior"] = Field("posterior", description="what the other latents are drawn from")
    unit_spacing: bool = Field(
        False, description="derivatives for each grid step, as the released code has them, not for each unit"
    )
    n_decoded: int = Field(15, ge=2, le=100, description="points along each axis that are decoded")


class LatentPathParams(PosteriorParams):
    """Parameters of paths along the manifold."""

    on: Literal["auto", "grid", "samples"] = Field(
        "auto",
        description="graph of the path: a grid, for two latents; neighbours among samples, for any number; auto "
        "takes the grid where there are two",
    )
    start: Row | Point | Literal["random"] = Field(
        "random", description="row of the split at whose posterior mean the path begins, or a point; random draws a row"
    )
    end: Row | Point | Literal["random"] = Field(
        "random", description="where it ends, likewise; random draws a row of another label where labels are known"
    )
    latents: tuple[Latent, Latent] | None = Field(
        None, description="the two latents of the grid; none takes those of a model that has two"
    )
    rest: Literal["start", "average", "sample"] = Field(
        "start",
        description="the other latents on a grid: those of the start; a mean field over n_rest draws from posteriors, "
        "decoded with those of the start; or one such draw",
    )
    n_rest: int = Field(64, gt=0, le=100_000, description="draws of the other latents that the field is a mean over")
    extent: Literal["auto"] | tuple[float, float, float, float] = Field(
        "auto",
        description="least and greatest value of the grid's first axis, then of its second; auto covers all posterior "
        "means that are drawn",
    )
    size: int = Field(100, le=2000, description="grid points along each axis, at least 2")
    temperature: float = Field(
        0.1,
        ge=0,
        description="what length costs, in units of the median squared distance that the response moves; much of it "
        "makes the path straight",
    )
    repulsion: float = Field(
        100.0,
        ge=0,
        description="what a positive divergence of 1 costs, in the same unit, which keeps the path off the ridges "
        "between parts of the data; 0 for the paper's cost alone",
    )
    nodes: Literal["responses", "samples", "means"] = Field(
        "responses",
        description="what a graph of samples has as nodes: draws from posteriors, the responses to these, which are "
        "nearer to the data, or posterior means",
    )
    n_neighbours: int = Field(10, gt=0, le=1000, description="nearest samples that each is joined to")
    edge_points: int = Field(
        5, ge=2, le=10_000, description="points on each edge between samples at which the cost is looked up"
    )
    n_frames: int = Field(20, ge=3, le=1000, description="points of each route that are decoded, evenly spaced")


class ResponsibilitiesParams(Params):
    """What the columns of a query are."""

    panel: str = Field("panel", description="column that names matrices")
    row: str = Field("factor", description="column that names rows of a matrix")
    column: str = Field("latent", description="column that names columns of a matrix")
    value: str = Field("value", description="column of values, one for each cell")
    group: str | None = Field(
        None,
        description="column that names trainings, whose latents have nothing in common: only panels of one group are "
        "compared; without it, all are one group",
    )
