"""Likelihoods p(x|z): mean and reconstruction term."""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub.core.data.dataset import DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.params import LikelihoodParams
from vaehub.core.random import standard_normal


class Likelihood(nn.Module, ABC):
    """The distribution of an observation given the decoder's output.

    A module, because a learned variance is a weight like any other.

    Attributes:
        omitted: Constant that :meth:`reconstruction` leaves out of -log p(x|z), in nats per observation.
    """

    omitted: float = 0.0

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """Return the mean of p(x|z) for a decoder's output, in the same shape."""

    @abstractmethod
    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the reconstruction term of each observation, summed over its values, in nats, shape ``(n,)``."""


class Bernoulli(Likelihood):
    """Each value is 1 with a probability whose logit is the decoder's output; grey values in [0, 1] are accepted."""

    def mean(self, output: Tensor) -> Tensor:
        """Return the probabilities."""
        return output.sigmoid()

    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the cross-entropy, computed from logits; for grey values it is at least their entropy."""
        return functional.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)


class SquaredError(Likelihood):
    """The squared error without a factor 1/2, as in ARD-VAE's code: a Gaussian of variance 1/2.

    The mean is the sigmoid of the output if the data lie in [0, 1], and the output itself otherwise.
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self._bounded = spec.in_unit_interval
        self.omitted = 0.5 * spec.n_values * math.log(math.pi)

    def mean(self, output: Tensor) -> Tensor:
        """Return the mean of the Gaussian."""
        return output.sigmoid() if self._bounded else output

    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the sum of squared errors."""
        return (self.mean(output) - x).square().flatten(1).sum(1)


class Gaussian(Likelihood):
    """A Gaussian with one variance for all values, fixed or learned; its density is complete, constants included.

    The mean is the sigmoid of the output if the data lie in [0, 1], and the output itself otherwise.

    Args:
        spec: What is known about the data.
        variance: Fixed variance; ``learned`` starts at 1 and learns its logarithm.
    """

    log_variance: Tensor

    def __init__(self, spec: DataSpec, variance: float | Literal["learned"]) -> None:
        super().__init__()
        self._bounded = spec.in_unit_interval
        if variance == "learned":
            self.log_variance = nn.Parameter(torch.zeros(()))
        else:
            self.register_buffer("log_variance", torch.tensor(math.log(variance)), persistent=False)

    def mean(self, output: Tensor) -> Tensor:
        """Return the mean of the Gaussian."""
        return output.sigmoid() if self._bounded else output

    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return -log p(x|z)."""
        squared = (self.mean(output) - x).square().flatten(1)
        constant = squared.shape[1] * (self.log_variance + math.log(2 * math.pi))
        return 0.5 * (squared.sum(1) * (-self.log_variance).exp() + constant)


def likelihood(params: LikelihoodParams, spec: DataSpec) -> Likelihood:
    """Return the likelihood that a model's parameters select.

    Raises:
        VaehubError: If it does not fit the data.
    """
    if params.likelihood == "squared_error":
        return SquaredError(spec)
    if params.likelihood == "gaussian":
        return Gaussian(spec, params.decoder_variance)
    if not spec.in_unit_interval:
        raise VaehubError(
            "a Bernoulli likelihood needs data in [0, 1], and these are not; "
            "use '-s model.likelihood=squared_error' or 'gaussian', or rescale the data, vectors of your own with "
            "'-s data.scale=unit'"
        )
    return Bernoulli()


def gaussian_sample(mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """Return one reparameterised draw from N(mu, exp(logvar)) for each row, shape of ``mu``."""
    return torch.addcmul(mu, standard_normal(mu, generator), (0.5 * logvar).exp())
