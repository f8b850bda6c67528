"""Likelihoods of grey values and of real numbers."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub.core.data.dataset import DataSpec
from vaehub.core.likelihood import Likelihood


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
