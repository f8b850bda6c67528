"""Parameters of ARD-VAE and of the relevance score."""

from typing import Literal

from vaehub import Field, LikelihoodName, LikelihoodParams, Params, SampleParams, SampleSize


class ArdParams(LikelihoodParams):
    """Parameters of ARD-VAE; defaults are the paper's for MNIST."""

    beta: float = Field(0.5, ge=0, description="weight of the divergence")
    likelihood: LikelihoodName = Field("squared_error", description="distribution of an observation given its latents")
    prior: Literal["gaussian", "student_t"] = Field(
        "gaussian", description="prior of each latent: its limit for many observations (Eq. 17), or exact (Eqs. 11-14)"
    )
    n_alpha: int = Field(10_000, gt=0, description="training observations that estimate the prior in each epoch")
    alpha_share: float = Field(
        0.2, gt=0, lt=1, description="share of the training split used instead when it has fewer than twice n_alpha"
    )
    update_every: int = Field(1, gt=0, description="epochs between two estimates of the prior")


class RelevanceParams(SampleParams):
    """Parameters of the relevance score; defaults are the printed formulas."""

    n_samples: SampleSize = Field(
        100, description="observations over which the Jacobian is averaged; all there are, if the split has fewer"
    )
    explained: float = Field(0.99, gt=0, le=1, description="share of the total relevance that active latents exceed")
    variance: Literal["auto", "prior", "encoded", "second_moment", "one"] = Field(
        "auto",
        description="what weights are multiplied by: the learned prior's variance, the variance or the second moment "
        "of the encoded data, or 1; auto takes the prior's where it is learned, else the variance",
    )
    jacobian: Literal["mean_square", "abs_mean"] = Field(
        "mean_square", description="mean of squares (Eq. 19), or square of the mean magnitude (released code)"
    )
    at: Literal["mean", "sample"] = Field("mean", description="where the Jacobian is taken: mu, or a draw of z")


class RelevantDimensionParams(Params):
    """Parameters of the number of relevant latents."""

    widest: int = Field(1024, gt=1, description="most latents that are tried")
    n_samples: SampleSize = Field(
        100, description="observations over which the Jacobian is averaged; all there are, if the split has fewer"
    )
    explained: float = Field(0.99, gt=0, le=1, description="share of the total relevance that active latents exceed")
