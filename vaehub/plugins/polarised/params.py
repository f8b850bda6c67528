"""Parameters of the polarised regime. Loads no torch."""

from typing import Literal

from vaehub import Field, Params, SampleParams, SampleSize


class TypeParams(SampleParams):
    """Parameters of every metric that sorts latents by type."""

    alpha: float = Field(
        0.1, gt=0, lt=0.5, description="how far a posterior variance may be from 0 or from the prior's, which is 1"
    )
    relative: Literal["auto", "prior", "absolute"] = Field(
        "auto",
        description="whether posterior variances are divided by the prior's (prior) or not (absolute); auto divides "
        "where the model's prior is not standard normal",
    )
    n_samples: SampleSize = Field(10_000, description="observations encoded; all there are, if the split has fewer")


class VariableTypesParams(TypeParams):
    """Parameters of variable types."""

    n_bins: int = Field(50, ge=1, le=1000, description="bins of each histogram, of equal width over its own range")


class DependenceParams(TypeParams):
    """Parameters of the dependence among latents."""

    bins: int = Field(
        20, ge=2, le=1000, description="bins of each latent, of equal width, that mutual information is of"
    )
    of: Literal["covariance", "data"] = Field(
        "covariance", description="whose singular values the effective rank is of: the covariance, or the centred data"
    )


class LatentCorrelationParams(TypeParams):
    """Parameters of the correlation among latents."""

    threshold: float = Field(
        0.2, ge=0, lt=1, description="two latents count as correlated above this, in absolute value"
    )
    pairs_up_to: int = Field(
        32,
        ge=0,
        le=512,
        description="latents up to which the correlation of each pair is a value that SQL reads, and not in the array "
        "alone",
    )


class LatentHistoryParams(Params):
    """What the columns of a query are."""

    snapshot: str = Field("epoch", description="column that says when: numbers, such as epochs or steps")
    latent: str = Field("latent", description="column that names latents")
    value: str = Field("value", description="column of values, one for each latent at each snapshot")
    panel: str | None = Field(None, description="column that tells trainings apart; one training if not given")
