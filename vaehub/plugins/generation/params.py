"""Parameters of comparisons of samples with data. Knows no torch."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from vaehub import Field, Incidental, SampleParams, SampleSize
from vaehub.features import FeatureParams
from vaehub.files import checksum


class ComparisonParams(FeatureParams, SampleParams):
    """Which samples are compared with which observations, by which features; defaults need no file."""

    source: Literal["prior", "standard_normal", "reconstruction", "file"] = Field(
        "prior",
        description="samples to compare with the data: decoded draws from the prior of the model, or from a standard "
        "normal whatever its prior; decoded posterior means; or those in a file",
    )
    samples: Annotated[Path | None, Incidental()] = Field(
        None,
        description="npy file of samples, (n, *shape), bytes or values in the range of the data; only with source=file",
    )
    samples_content: str | None = Field(
        None, description="checksum of the file of samples; computed, and checked if given"
    )
    latents: Literal["all", "relevant"] = Field(
        "all", description="latents that are drawn; relevant leaves the others at the mean of their posterior means"
    )
    explained: float = Field(0.99, gt=0, le=1, description="share of the total relevance that relevant latents exceed")
    n_jacobian: int = Field(
        100,
        gt=0,
        description="greatest number of observations that the relevance is averaged over; only with latents=relevant",
    )
    n_samples: SampleSize = Field(
        10_000, description="observations drawn, and as many samples; all there are, if the split or a file has fewer"
    )

    @model_validator(mode="before")
    @classmethod
    def _known_by_samples(cls, values: Any) -> Any:
        # A value that is no path is refused with the other parameters; a stored result is plotted without its file.
        if not isinstance(values, dict) or not isinstance(values.get("samples"), str | Path):
            return values
        path = Path(values["samples"]).expanduser().resolve()
        if not path.is_file():
            raise ValueError(f"there is no file {str(path)!r}, which 'samples' names")
        found, expected = checksum(path, "sha256"), values.get("samples_content")
        if expected not in (None, found):
            raise ValueError(f"the samples in {str(path)!r} have {found} and had {expected}; put that file back")
        return {**values, "samples": path, "samples_content": found}

    @model_validator(mode="after")
    def _samples_fit(self) -> Self:
        if (self.source == "file") != (self.samples_content is not None):
            raise ValueError(
                "'source' is 'file' if, and only if, 'samples' names one; 'source' is "
                f"{self.source!r} and 'samples' {None if self.samples is None else str(self.samples)!r}"
            )
        return self

    @model_validator(mode="after")
    def _latents_fit(self) -> Self:
        if self.latents == "relevant" and self.source not in ("prior", "standard_normal"):
            raise ValueError(
                "'latents' is 'relevant' for draws; reconstructions decode whole posterior means, and "
                "samples in a file are as they are"
            )
        return self


class FrechetDistanceParams(ComparisonParams):
    """Parameters of the Fréchet distance."""

    few_samples: bool = Field(
        False,
        description="compute the distance even with no more samples than features, where covariances are singular and "
        "it is far too large",
    )


class KernelDistanceParams(ComparisonParams):
    """Parameters of the kernel distance; defaults are those of Bińkowski et al. 2018."""

    degree: int = Field(3, gt=0, le=10, description="degree of the polynomial kernel")
    n_subsets: int = Field(100, gt=0, le=1_000_000, description="subsets over which the distance is averaged")
    subset_size: int = Field(1000, ge=2, description="samples, and observations, in a subset")


class PrecisionRecallParams(ComparisonParams):
    """Parameters of precision and recall; defaults are those of the two papers."""

    n_clusters: int = Field(20, gt=1, description="clusters of the pooled features")
    n_clusterings: int = Field(10, gt=0, le=10_000, description="clusterings over which the curve is averaged")
    n_angles: int = Field(1001, ge=3, le=1_000_000, description="points of the curve")
    n_neighbours: int = Field(3, gt=0, description="neighbours whose distance is the radius of a ball")
