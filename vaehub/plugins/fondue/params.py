"""Parameters of the searches and of the metrics that they use; imports no torch."""

from typing import Annotated, Any, Literal

from pydantic import Field as Bound
from pydantic import model_validator

from vaehub import Field, Incidental, SampleParams, SampleSize, SplitName, SplitParams

Count = Annotated[int, Bound(gt=0)]
THESIS_CODE = {"aggregation": "pooled", "normaliser": "k-2", "anchor": 0.8, "runs": 5}
"""The estimate of dimensions in the code released with Bonheme 2023, and in her Table D.4."""


class LargeSampleParams(SampleParams):
    """Parameters of metrics of 10,000 observations."""

    n_samples: SampleSize = Field(
        10_000, description="observations, drawn without replacement; all there are, if the split has fewer"
    )


class LatentTracesParams(LargeSampleParams):
    """Parameters of the traces."""

    analytic: bool = Field(
        False, description="expectation over the noise instead of one draw of z: the mean sum of posterior variances"
    )
    truncate: bool = Field(
        False, description="variances rounded down to 3 decimals before they are added, as in the reference code"
    )


class InformationPlaneParams(LargeSampleParams):
    """Parameters of the information plane."""

    batch: int = Field(
        1000,
        ge=2,
        description="observations of each Gram matrix; results are averaged over these; entropies are at most its log2",
    )
    alpha: float = Field(2.0, gt=0, description="order of the Rényi entropy; 2 needs no eigenvalues")
    logits: bool = Field(
        False,
        description="reconstruction before its non-linearity, as in the reference code, instead of the mean of p(x "
        "given z)",
    )
    compat: bool = Field(
        False,
        description="as the reference code: the last row of each batch left out, and means rounded down to 2 decimals",
    )


class StructurePreservationParams(SampleParams):
    """Parameters of the structure preservation index."""

    n_samples: SampleSize = Field(
        1000, description="observations, of which each pair is compared; all there are, if the split has fewer"
    )
    z: Literal["mean", "sampled"] = Field("mean", description="decode the posterior mean, or one draw")
    per_pair: bool = Field(False, description="1/h^2 instead of the printed 1/h before the sum over pairs")


class ReconstructionErrorParams(SplitParams):
    """Parameters of the reconstruction error."""

    z: Literal["mean", "sampled"] = Field("mean", description="decode the posterior mean, or one draw")
    latents: Literal["all", "relevant", "relevant_noise"] = Field(
        "all",
        description="all latents; only relevant ones, the others held at the mean of their posterior means; or all, of "
        "which relevant ones alone have noise where a draw is decoded",
    )
    explained: float = Field(0.99, gt=0, le=1, description="share of the total relevance that relevant latents exceed")
    n_jacobian: int = Field(
        100, gt=0, description="observations over which relevance is averaged, at most, unless latents=all"
    )
    split: SplitName = Field("validation", description="split of the data that is measured")


class SearchParams(LargeSampleParams):
    """Parameters of every search for a number of latents."""

    threshold: float = Field(1.0, description="the gap up to which a number of latents is not too great")
    start: int | None = Field(
        None,
        gt=0,
        description="latents of the first model of a doubling search; none takes the intrinsic dimension of the data, "
        "rounded up",
    )
    maximum: int = Field(1024, gt=0, description="most latents that a doubling search tries")
    search: Literal["doubling", "supervised"] = Field(
        "doubling", description="doubles until too great, then halves; or halves the range from 1 to 'upper' at once"
    )
    upper: int = Field(200, gt=1, description="number of latents that a supervised search stays below")
    epochs: tuple[Count, ...] = Field(
        (),
        description="growing numbers of epochs; the search is repeated with each until its answer repeats; none "
        "searches once with the epochs of the recipe",
    )


class FondueParams(SearchParams, LatentTracesParams):
    """Parameters of FONDUE; a threshold below 1 is for active latents alone, 1 or more allows mixed ones."""


class FondueIbParams(SearchParams):
    """Parameters of FONDUE by the information bottleneck, in bits."""

    threshold: float = Field(-0.01, description="gap of entropy and information, in bits")
    batch: int = Field(1000, ge=2, description="observations of each Gram matrix")
    # The threshold is one unit of the last decimal that is kept, so that without this it means something else.
    truncate: bool = Field(
        True, description="entropy and information rounded down to 2 decimals before they are compared"
    )
    logits: bool = Field(False, description="reconstruction before its non-linearity, as in the reference code")
    compat: bool = Field(False, description="the last row of each batch left out, as in the reference code")


class FondueIdeParams(SearchParams):
    """Parameters of FONDUE by intrinsic dimensions; those of the estimate are as in ``representation_dimension``."""

    preset: Annotated[Literal["thesis-code"] | None, Incidental()] = Field(
        None,
        description="thesis-code: pooled, k-2, anchor=0.8, runs=5, as released with Bonheme 2023; given values win",
    )
    threshold: float = Field(1.0, description="gap of intrinsic dimensions")
    k: int = Field(20, gt=2, description="neighbours that the maximum-likelihood estimate looks at")
    aggregation: Literal["mean", "pooled", "median"] = Field(
        "pooled", description="how local estimates become one; pooled is the inverse of their mean inverse"
    )
    normaliser: Literal["k-1", "k-2"] = Field("k-1", description="divisor of the sum of k - 1 logarithms")
    anchor: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of observations that a run averages over; their neighbours are searched among all",
    )
    runs: int = Field(1, ge=1, le=1000, description="number of such draws; the estimate is their mean")
    max_duplicates: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="greatest share of observations whose representation may be an exact copy; they are dropped",
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("preset") == "thesis-code":
            return {**THESIS_CODE, **values}
        return values


class FondueBetaParams(LatentTracesParams):
    """Parameters of the search over beta."""

    threshold: float = Field(1.0, description="the gap of traces up to which a beta is not too great")
    lower: float = Field(0.01, gt=0, description="least beta, whose gap must be within the threshold")
    upper: float = Field(100.0, gt=0, description="greatest beta, whose gap must exceed the threshold")
    tolerance: float = Field(
        0.05, gt=0, description="the search ends when two betas differ by this share of the lesser"
    )


class ElbowParams(SplitParams):
    """Parameters of the elbow; defaults are the thesis's, but for accuracy, since not all data have labels."""

    latent_dims: tuple[Count, ...] = Field(
        (3, 6, 8, 10, 12, 18, 24, 32, 42), min_length=3, description="numbers of latents, growing"
    )
    n_seeds: int = Field(
        5, gt=0, le=1000, description="trainings of each number of latents, with the recipe's seed and those after it"
    )
    accuracy: bool = Field(False, description="accuracy on means as well, averaged over the data's factors or labels")
    classifier: Literal["trees", "logistic"] = Field(
        "trees", description="what classifies: gradient-boosted trees, or logistic regression"
    )
    trees: Literal["exact", "histogram"] = Field(
        "exact", description="trees split at any value (exact) or between at most 255 bins, which is much faster"
    )
    z: Literal["mean", "sampled"] = Field(
        "mean", description="squared errors of the decoded posterior mean, or of one draw; the model's own term draws"
    )
    split: Literal["validation", "test"] = Field("validation", description="split of the data that is measured")
