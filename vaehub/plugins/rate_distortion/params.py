"""Parameters of the ELBO, and of rate and distortion. Knows no torch."""

from typing import Literal

from vaehub import Field, Params


class ElboParams(Params):
    """Parameters of the ELBO."""

    part: Literal["train", "validation", "test", "all"] = Field(
        "validation", description="split of the data that is measured"
    )
    n_samples: int = Field(1, gt=0, description="draws of z for each observation")


class RateDistortionParams(Params):
    """Parameters of rate, distortion and the terms of the rate."""

    part: Literal["train", "validation", "test", "all"] = Field(
        "validation", description="split of the data that is measured, over which q(z) is the average of q(z|x)"
    )
    n_batch: int = Field(
        10_000, ge=2, description="observations of it that all is estimated from; all there are, if there are fewer"
    )
    n_draws: int = Field(1, gt=0, description="draws of z for each observation")
    estimator: Literal["stratified", "weighted"] = Field(
        "stratified",
        description="of q(z) from a batch: unbiased, and exact where the batch is the whole part (stratified), or too "
        "low by up to the factor n (weighted), as it is trained with",
    )


class RateDistortionPlaneParams(Params):
    """Parameters of the plane of rate and distortion."""

    rate: str = Field("rate", description="column of rates, in nats")
    distortion: str = Field("distortion", description="column of distortions, in nats")
    label: str | None = Field(None, description="column that tells runs apart by colour, numbers or text")
