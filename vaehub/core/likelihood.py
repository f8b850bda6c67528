"""Likelihoods p(x|z): mean, reconstruction term, and what the encoder sees of an observation."""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub.core.count_densities import negative_binomial_log_density, poisson_log_density
from vaehub.core.data.dataset import Dataset, DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.params import COUNT_LIKELIHOODS, LikelihoodParams
from vaehub.core.random import standard_normal

TOTALS_AT_ONCE = 4096
"""Observations that are summed together; bounds memory, changes no result."""


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

    def encoder_input(self, x: Tensor) -> Tensor:
        """Return what the encoder sees of observations, in the same shape: by default themselves."""
        return x

    def comparable(self, x: Tensor) -> Tensor:
        """Return observations on the scale of :meth:`mean`, in the same shape: by default themselves."""
        return x

    def prepare(self, train: Dataset) -> None:
        """Set from the training split what is not learned; by default nothing."""


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


class CountLikelihood(Likelihood):
    """Counts whose means are shares of the observation's total, as of the genes in the library size of a cell.

    Lopez et al. 2018 (scVI): the softmax of the decoder's output gives the shares, and the mean is the library size
    times the share, so that z need not explain how deeply an observation was sequenced. There the library size is a
    latent variable with a log-normal prior; here, as in scvi-tools by default, it is the observed total, which is given
    like a covariate. The probability of an observation without any counts is therefore 1. The encoder sees
    ``log(1 + x)``, as scVI's does.

    The mean of p(x|z) has no observation to take a total from; it is that at a reference library size, the median total
    of the training split.

    Attributes:
        library_size: The reference, in counts, a scalar buffer; 1 before a training.
    """

    library_size: Tensor

    def __init__(self) -> None:
        super().__init__()
        # A buffer, so that it is stored with the weights.
        self.register_buffer("library_size", torch.ones(()))

    @abstractmethod
    def log_density(self, x: Tensor, log_mean: Tensor) -> Tensor:
        """Return the log probability of each count, for means given by their logarithms, shape ``(n, n_values)``."""

    def mean(self, output: Tensor) -> Tensor:
        """Return the means at the reference library size, in counts."""
        return self.library_size * output.flatten(1).softmax(dim=1).reshape(output.shape)

    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return -log p(x|z) at the library size of each observation, all constants included."""
        counts = x.flatten(1)
        total = counts.sum(dim=1, keepdim=True)
        log_mean = output.flatten(1).log_softmax(dim=1) + total.clamp_min(1).log()
        found = self.log_density(counts, log_mean).sum(dim=1)
        return -torch.where(total[:, 0] > 0, found, 0.0)

    def encoder_input(self, x: Tensor) -> Tensor:
        """Return ``log(1 + x)``."""
        return x.log1p()

    def comparable(self, x: Tensor) -> Tensor:
        """Return counts rescaled to the reference library size; an observation without counts stays 0."""
        total = x.flatten(1).sum(dim=1).clamp_min(1)
        return x * (self.library_size.to(total) / total).reshape(-1, *[1] * (x.ndim - 1))

    @torch.no_grad()
    def prepare(self, train: Dataset) -> None:
        """Set the reference library size: the median total of the observations that have counts."""
        totals = torch.cat([batch.x.double().flatten(1).sum(dim=1) for batch in train.batches(TOTALS_AT_ONCE)])
        if bool((totals > 0).any()):
            self.library_size.copy_(totals[totals > 0].median())


class Poisson(CountLikelihood):
    """Counts with a variance equal to their mean, given their share of the total."""

    def log_density(self, x: Tensor, log_mean: Tensor) -> Tensor:
        """Return the log probability of each count."""
        return poisson_log_density(x, log_mean)


class NegativeBinomial(CountLikelihood):
    """Counts with a variance of ``mean + mean^2 / theta``, with one learned ``theta`` for each feature.

    ``theta`` is an inverse dispersion, as in scVI (its ``dispersion="gene"``); it starts at 1, where scVI draws it from
    a log-normal distribution.

    Attributes:
        log_theta: Natural logarithm of ``theta``, a weight, shape ``(n_values,)``.
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.log_theta = nn.Parameter(torch.zeros(spec.n_values))

    def log_density(self, x: Tensor, log_mean: Tensor) -> Tensor:
        """Return the log probability of each count."""
        return negative_binomial_log_density(x, log_mean, self.log_theta)


def likelihood(params: LikelihoodParams, spec: DataSpec) -> Likelihood:
    """Return the likelihood that a model's parameters select.

    Raises:
        VaehubError: If it does not fit the data.
    """
    if params.likelihood in COUNT_LIKELIHOODS:
        _check_counts(params.likelihood, spec)
        return Poisson() if params.likelihood == "poisson" else NegativeBinomial(spec)
    if params.likelihood == "squared_error":
        return SquaredError(spec)
    if params.likelihood == "gaussian":
        return Gaussian(spec, params.decoder_variance)
    if not spec.in_unit_interval:
        remedy = (
            "are not; use '-s model.likelihood=squared_error' or 'gaussian', or rescale the data, vectors of your own "
            "with '-s data.scale=unit'"
        )
        if spec.holds_counts:
            remedy = (
                "are counts; use '-s model.likelihood=negative_binomial' or 'poisson', which are for counts, or "
                "'squared_error' or 'gaussian'"
            )
        raise VaehubError(f"a Bernoulli likelihood needs data in [0, 1], and these {remedy}")
    return Bernoulli()


def _check_counts(name: str, spec: DataSpec) -> None:
    if spec.holds_counts:
        return
    found = "are not"
    if spec.in_unit_interval:
        kind = "images" if len(spec.shape) == 3 else "numbers"
        found = f"are {kind} in [0, 1], where bytes stand for steps of 1/255"
    raise VaehubError(
        f"the likelihood {name!r} needs counts, vectors of whole numbers from 0 up, and these {found}; "
        "use '-s model.likelihood=gaussian' or 'squared_error', or give counts that are not scaled, as integers of "
        "more than 8 bits or floating-point numbers"
    )


def gaussian_sample(mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """Return one reparameterised draw from N(mu, exp(logvar)) for each row, shape of ``mu``."""
    return torch.addcmul(mu, standard_normal(mu, generator), (0.5 * logvar).exp())
