"""Likelihoods of counts."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from vaehub.core.data.dataset import Dataset, DataSpec
from vaehub.core.likelihood import Likelihood
from vaehub.likelihoods.count_densities import negative_binomial_log_density, poisson_log_density

TOTALS_AT_ONCE = 4096
"""Observations that are summed together; bounds memory, changes no result."""


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
