"""Parameters of interventions."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, SampleParams, SampleSize


class NoiseParams(SampleParams):
    """Parameters of every metric that decodes samples from posteriors."""

    n_samples: SampleSize = Field(
        500, description="observations that errors are averaged over; all there are, if the split has fewer"
    )
    n_noise: int = Field(1, gt=0, le=100_000, description="samples from the posterior of each observation")


class ErrorParams(NoiseParams):
    """Parameters of metrics that compare reconstructions with observations."""

    error: Literal["mse", "ssim"] = Field(
        "mse", description="squared error averaged over values, or 1 - SSIM with windows of 7x7, for images"
    )


class SignificanceParams(ErrorParams):
    """Parameters of metrics that tell significant latents from others."""

    significance: float = Field(
        1.5,
        gt=0,
        description="a ratio is significant above this many times 1 / latent_dim, the share of each latent if all "
        "contributed equally; at most latent_dim",
    )


class InterventionParams(SignificanceParams):
    """Parameters of the intervention analysis; defaults reproduce the published values."""

    noise: Literal["shared", "fresh"] = Field(
        "shared",
        description="whether all interventions on an observation change one sample, or each its own",
    )
    n_bootstrap: int = Field(
        1000,
        ge=0,
        le=1_000_000,
        description="bootstrap resamplings of the observations, for intervals; 0 computes none",
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resampled ratios inside an interval")


class JointInterventionParams(ErrorParams):
    """Parameters of interventions on growing sets of latents."""

    explained: float = Field(
        0.9, gt=0, le=1, description="share of the error that sampling adds which n_explaining latents account for"
    )


class InterventionTradeoffParams(SignificanceParams):
    """Parameters of what is gained and lost when significant latents are set together."""

    n_images: Annotated[int, Bound(ge=2, le=5000)] = Field(
        200, description="images that are compared pair by pair: the first of the observations, or all of them"
    )


class InterventionDiversityParams(NoiseParams):
    """Parameters of the diversity that interventions cost."""

    n_samples: Annotated[int, Bound(gt=0, le=5000)] = Field(
        200, description="images that are compared pair by pair; all there are, if the split has fewer"
    )
    set_to: Literal["zero", "posterior_mean"] = Field(
        "zero",
        description="what a latent is fixed to: the mean of the prior, the same for all images, or the posterior mean "
        "of each image, as in the intervention analysis",
    )
