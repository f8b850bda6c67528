"""Parameters of estimates of intrinsic dimension. Knows no torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field as Bound
from pydantic import field_validator, model_validator

from vaehub import AddedLater, Field, Incidental, SampleParams, SampleSize

K = Annotated[int, Bound(ge=2)]
LayerName = Annotated[str, Bound(min_length=1)]
PRESETS: dict[str, dict[str, Any]] = {
    "thesis-code": {"aggregation": "pooled", "normaliser": "k-2", "anchor": 0.8, "runs": 5}
}


class NeighboursParams(SampleParams):
    """Which observations neighbours are searched among."""

    n_samples: SampleSize = Field(10_000, description="observations drawn; all there are, if the split has fewer")
    max_duplicates: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="greatest share of observations that may be exact copies, which are dropped",
    )


class EstimateParams(NeighboursParams):
    """Parameters of a maximum likelihood estimate."""

    aggregation: Literal["mean", "pooled", "median"] = Field(
        "pooled", description="how local estimates become one; pooled is the inverse of their mean inverse"
    )
    normaliser: Literal["k-1", "k-2"] = Field("k-1", description="divisor of the sum of k - 1 logarithms")


class MleParams(EstimateParams):
    """Parameters of the maximum likelihood estimate."""

    preset: Annotated[Literal["thesis-code"] | None, Incidental()] = Field(
        None,
        description="thesis-code: pooled, k-2, anchor=0.8, runs=5, as released with Bonheme 2023; given values win",
    )
    k: tuple[K, ...] = Field((3, 5, 10, 20), min_length=1, description="numbers of neighbours, an estimate for each")
    anchor: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of observations that a run averages over; their neighbours are searched among all",
    )
    runs: int = Field(1, ge=1, le=1000, description="number of such draws; the estimate is their mean")
    tolerance: float = Field(
        0.1, ge=0, description="estimates are stable where the greatest exceeds the least by at most this share"
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("preset"), str):
            return {**PRESETS.get(values["preset"], {}), **values}
        return values

    @field_validator("k")
    @classmethod
    def _ascending(cls, k: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(k)))

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.normaliser == "k-2" and self.k[0] < 3:
            raise ValueError("a normaliser of k-2 needs a k of at least 3")
        return self


class TwoNnParams(NeighboursParams):
    """Parameters of the estimate from two neighbours."""

    discard: float = Field(0.1, ge=0, lt=1, description="share of the greatest ratios, which are left out")
    cdf: Literal["i/n", "(i-1)/n"] = Field(
        "i/n", description="empirical distribution at the i-th of n ratios; (i-1)/n as in the thesis's code"
    )
    fit: Literal["line", "likelihood"] = Field(
        "line", description="least squares through the origin, or censored maximum likelihood"
    )

    @model_validator(mode="after")
    def _finite(self) -> Self:
        if self.discard == 0 and self.cdf == "i/n":
            raise ValueError("with cdf=i/n the last ratio has no finite place; set discard above 0, or cdf=(i-1)/n")
        return self


class GrideParams(NeighboursParams):
    """Parameters of the estimate by scale."""

    max_order: int = Field(
        64, ge=1, le=4096, description="greatest order n of the neighbours n and 2n that are compared"
    )
    tolerance: float = Field(
        0.1, ge=0, description="estimates are stable where the greatest exceeds the least by at most this share"
    )

    @property
    def orders(self) -> tuple[int, ...]:
        """Powers of two up to the greatest."""
        return tuple(2**j for j in range(self.max_order.bit_length()))


class RepresentationParams(EstimateParams):
    """Parameters of the dimension of representations."""

    of: tuple[LayerName, ...] = Field(
        ("mean", "sampled"),
        min_length=1,
        description="layers: input, encoder_1 …, mean, variance, sampled, decoder_1 …",
    )
    k: int = Field(20, ge=3, description="neighbours of each observation")
    anchor: Annotated[float, AddedLater()] = Field(
        1.0,
        gt=0,
        le=1,
        description="share of observations that a run of MLE averages over; neighbours are searched among all",
    )
    runs: Annotated[int, AddedLater()] = Field(
        1, ge=1, le=1000, description="number of such draws; the estimate is their mean"
    )
    discard: float = Field(0.1, gt=0, lt=1, description="share of the greatest ratios, which TwoNN leaves out")
    cdf: Literal["i/n", "(i-1)/n"] = Field("i/n", description="empirical distribution of TwoNN at the i-th of n ratios")
