"""Parameters of regularised autoencoders."""

from vaehub import Field, LikelihoodName, LikelihoodParams


class RaeParams(LikelihoodParams):
    """Parameters of an RAE; the weights belong to an error that is averaged over pixels, as in its code."""

    likelihood: LikelihoodName = Field("squared_error", description="what an error costs")
    latent_weight: float = Field(1e-4, ge=0, description="weight of half the squared norm of a code")
    decoder_weight: float = Field(1e-7, ge=0, description="weight of the squared norm of the decoder's weights")
    n_components: int = Field(10, gt=0, description="Gaussians of the density that is fitted to the codes afterwards")
    n_codes: int = Field(10_000, gt=0, description="training observations that it is fitted to, at most")


class WaeParams(LikelihoodParams):
    """Parameters of a WAE."""

    likelihood: LikelihoodName = Field("squared_error", description="what an error costs")
    reconstruction_weight: float = Field(0.05, gt=0, description="weight of the reconstruction term")
    mmd_weight: float = Field(10.0, ge=0, description="weight of the squared maximum mean discrepancy")
