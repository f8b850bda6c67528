"""Parameters of regularised autoencoders."""

from vaehub import Field, LikelihoodName, LikelihoodParams


class RaeParams(LikelihoodParams):
    """Parameters of an RAE; the weights are relative to an error averaged over pixels, as in the released code."""

    likelihood: LikelihoodName = Field("squared_error", description="likelihood of the reconstruction term")
    latent_weight: float = Field(1e-4, ge=0, description="weight of half the squared norm of a code")
    decoder_weight: float = Field(1e-7, ge=0, description="weight of the squared norm of the decoder's weights")
    n_components: int = Field(10, gt=0, description="Gaussians in the mixture fitted to the codes after training")
    n_codes: int = Field(10_000, gt=0, description="greatest number of training observations it is fitted to")


class WaeParams(LikelihoodParams):
    """Parameters of a WAE."""

    likelihood: LikelihoodName = Field("squared_error", description="likelihood of the reconstruction term")
    reconstruction_weight: float = Field(0.05, gt=0, description="weight of the reconstruction term")
    mmd_weight: float = Field(10.0, ge=0, description="weight of the squared maximum mean discrepancy")
