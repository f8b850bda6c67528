"""Parameters of the VAEs."""

from typing import Annotated

from pydantic import model_validator

from vaehub import AddedLater, Field, LikelihoodParams


class VaeParams(LikelihoodParams):
    """Parameters of a VAE."""

    regularisation_weight: Annotated[float, AddedLater()] = Field(
        1.0, ge=0, description="weight of all that is added to the reconstruction term; 1 as published"
    )


class BetaVaeParams(VaeParams):
    """Parameters of a beta-VAE."""

    beta: float = Field(4.0, ge=0, description="weight of the KL divergence; 1 gives the plain VAE")


class AnnealedVaeParams(VaeParams):
    """Parameters of an annealed VAE; the defaults are those of Locatello et al. 2019."""

    max_capacity: float = Field(25.0, ge=0, description="final target of the KL divergence, in nats")
    capacity_steps: int = Field(100_000, gt=0, description="optimiser steps over which the target rises from 0")
    gamma: float = Field(1000.0, ge=0, description="weight of the absolute difference from the target")


class BetaTcVaeParams(VaeParams):
    """Parameters of a beta-TC-VAE."""

    beta: float = Field(6.0, ge=0, description="weight of the total correlation; 1 gives the plain VAE")


class DipVaeParams(VaeParams):
    """Parameters of both DIP-VAEs."""

    lambda_off_diagonal: float = Field(10.0, ge=0, description="weight of squared covariances of latents")
    lambda_diagonal: float = Field(ge=0, description="weight of squared distances of variances from 1")


class DipVaeIParams(DipVaeParams):
    """Parameters of a DIP-VAE-I; ten times the weight on the diagonal, as in Locatello et al. 2019."""

    lambda_diagonal: float = Field(
        100.0,
        ge=0,
        description="weight of squared distances of variances from 1; ten times lambda_off_diagonal if not given",
    )

    @model_validator(mode="before")
    @classmethod
    def _tied(cls, values: object) -> object:
        return _with_diagonal(values, 10.0)


class DipVaeIIParams(DipVaeParams):
    """Parameters of a DIP-VAE-II; the same weight on the diagonal, as in Locatello et al. 2019."""

    lambda_diagonal: float = Field(
        10.0, ge=0, description="weight of squared distances of variances from 1; lambda_off_diagonal if not given"
    )

    @model_validator(mode="before")
    @classmethod
    def _tied(cls, values: object) -> object:
        return _with_diagonal(values, 1.0)


def _with_diagonal(values: object, ratio: float) -> object:
    """Return a user's values with the weight on the diagonal that belongs to the one off it, unless it was given."""
    if not isinstance(values, dict) or "lambda_diagonal" in values or "lambda_off_diagonal" not in values:
        return values
    try:
        return {**values, "lambda_diagonal": ratio * float(values["lambda_off_diagonal"])}
    except (TypeError, ValueError):
        return values  # no number, which the field itself reports


class FactorVaeParams(VaeParams):
    """Parameters of a FactorVAE; the discriminator is that of Kim & Mnih 2018."""

    gamma: float = Field(10.0, ge=0, description="weight of the total correlation; 0 gives the plain VAE")
    discriminator_layers: int = Field(6, gt=0, le=1000, description="hidden layers of the discriminator")
    discriminator_width: int = Field(1000, gt=0, description="width of each hidden layer of the discriminator")
    discriminator_rate: float = Field(1e-4, gt=0, description="learning rate of the discriminator's Adam")
