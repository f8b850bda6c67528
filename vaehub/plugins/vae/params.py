"""Parameters of the VAEs and of the ELBO."""

from typing import Literal

from vaehub import Field, LikelihoodName, ModelParams, Params


class VaeParams(ModelParams):
    """Parameters of a VAE."""

    likelihood: LikelihoodName = Field("bernoulli", description="distribution of an observation given its latents")


class BetaVaeParams(VaeParams):
    """Parameters of a beta-VAE."""

    beta: float = Field(4.0, ge=0, description="weight of the divergence; 1 gives the plain VAE")


class ElboParams(Params):
    """Parameters of the ELBO."""

    part: Literal["train", "validation", "test", "all"] = Field(
        "validation", description="part of the data that is measured"
    )
    n_samples: int = Field(1, gt=0, description="draws of z for each observation")
