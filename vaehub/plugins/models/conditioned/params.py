"""Parameters of the iVAE and of the classifier."""

from typing import Literal

from vaehub import Field, LikelihoodParams, ModelParams, SampleParams, SampleSize

Kind = Literal["labels", "factors"]
"""Kinds of auxiliary information about observations."""

Choice = Literal["auto", "labels", "factors"]


class IvaeParams(LikelihoodParams):
    """Parameters of an iVAE; defaults are those of Bonheme 2023, Chapter 5."""

    beta: float = Field(1.0, ge=0, description="weight of the KL divergence")
    auxiliary: Choice = Field("auto", description="source of u; auto takes factors if the data have them")
    prior_mean: Literal["fixed", "learned"] = Field("fixed", description="mean of the prior: 0, or a function of u")
    prior_variance: Literal["learned", "fixed"] = Field(
        "learned", description="variance of the prior: a function of u, or 1"
    )
    hidden: int = Field(50, gt=0, description="width of the three hidden layers of the prior's network")


class ClassifierParams(ModelParams):
    """Parameters of a classifier."""

    target: Choice = Field("auto", description="classes to learn; auto takes factors if the data have them")


class LinearIvaeTheoryParams(SampleParams):
    """Parameters of the comparison of a linear iVAE with theory."""

    n_samples: SampleSize = Field(10_000, description="observations that moments are computed from, and encoded")
    alpha: float = Field(
        0.1, gt=0, lt=0.5, description="how far a posterior variance may be from 0 or from the prior's, for its type"
    )
