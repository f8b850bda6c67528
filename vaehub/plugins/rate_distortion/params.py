"""Parameters of the ELBO, and of rate and distortion. Loads no torch."""

from typing import Literal

from vaehub import Field, Params, SplitName, SplitParams


class ElboParams(SplitParams):
    """Parameters of the ELBO."""

    split: SplitName = Field("validation", description="split of the data that is used")
    n_samples: int = Field(1, gt=0, le=100_000, description="draws of z for each observation")


class RateDistortionParams(SplitParams):
    """Parameters of rate, distortion and the terms of the rate."""

    split: SplitName = Field(
        "validation", description="split of the data that is used; q(z) is the average of q(z|x) over it"
    )
    n_batch: int = Field(
        10_000, ge=2, description="observations that estimates are computed from; all there are, if the split has fewer"
    )
    n_draws: int = Field(1, gt=0, le=100_000, description="draws of z for each observation")
    estimator: Literal["stratified", "weighted"] = Field(
        "stratified",
        description="estimator of q(z) from a batch: unbiased, and exact if the batch is the whole split (stratified), "
        "or too low by up to the factor n (weighted), as it is trained with",
    )


class RateDistortionPlaneParams(Params):
    """Parameters of the plane of rate and distortion."""

    rate: str = Field("rate", description="column of rates, in nats")
    distortion: str = Field("distortion", description="column of distortions, in nats")
    label: str | None = Field(None, description="column that decides the colour of runs, numbers or text")
