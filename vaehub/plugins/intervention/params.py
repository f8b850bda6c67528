"""Parameters of interventions."""

from typing import Literal

from vaehub import Field, Params


class SampledParams(Params):
    """Parameters of every metric that decodes samples of a posterior."""

    n_samples: int = Field(500, gt=0, description="observations that errors are averaged over")
    n_noise: int = Field(1, gt=0, description="samples of each observation")
    part: Literal["train", "validation", "test", "all"] = Field("train", description="split of the data that is used")


class ErrorParams(SampledParams):
    """Parameters of metrics that compare what is decoded with the observation."""

    error: Literal["mse", "ssim"] = Field(
        "mse", description="squared error averaged over values, or 1 - SSIM with windows of 7x7, for images"
    )


class InterventionParams(ErrorParams):
    """Parameters of the intervention analysis; defaults reproduce the published figures."""

    noise: Literal["shared", "fresh"] = Field(
        "shared", description="whether all interventions on an observation change one sample, or each a fresh one"
    )
    significance: float = Field(
        1.5,
        gt=0,
        description="a ratio is significant above this many times the share of one latent among equals; at most "
        "latent_dim",
    )
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the observations for intervals; 0 leaves them out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that an interval holds")


class JointInterventionParams(ErrorParams):
    """Parameters of interventions on growing sets of latents."""

    explained: float = Field(
        0.9, gt=0, le=1, description="share of what sampling adds that n_explaining latents account for"
    )


class InterventionDiversityParams(SampledParams):
    """Parameters of the diversity that interventions cost."""

    n_samples: int = Field(200, ge=2, le=5000, description="images whose pairs are compared")
    set_to: Literal["zero", "posterior_mean"] = Field(
        "zero",
        description="what a latent is set to: the prior's mean, the same for all images, or the image's own posterior "
        "mean, as the intervention analysis does",
    )
