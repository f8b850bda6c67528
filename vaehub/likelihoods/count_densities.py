"""Logarithms of the probabilities of counts, accurate in single precision."""

import math

import torch
from torch import Tensor
from torch.nn import functional

LARGE = 16.0
"""From here on a series replaces the logarithm of the gamma function; its error is below 2e-14."""
NEAR = 0.5
"""Relative difference up to which the logarithm of a ratio is computed from the difference."""


def poisson_log_density(x: Tensor, log_mean: Tensor) -> Tensor:
    """Return the log probability of counts under Poisson distributions.

    Loader 2000, "Fast and accurate computation of binomial probabilities": the probability of ``x`` is that under its
    own best mean, less a deviance. The usual ``x log(mean) - mean - log(x!)`` is a small difference of large numbers,
    and in single precision wrong by 0.1 nats for a count of 100,000.

    Args:
        x: Counts, whole numbers of at least 0.
        log_mean: Natural logarithm of the means, of a shape that broadcasts with ``x``.

    Returns:
        Log probabilities in nats, ``log(x!)`` included, in the shape of both together.
    """
    at = x.clamp_min(1)
    deviance = torch.where(x > 0, at * _excess(log_mean - at.log()), log_mean.exp())
    return _at_best_mean(x, at) - deviance


def negative_binomial_log_density(x: Tensor, log_mean: Tensor, log_theta: Tensor) -> Tensor:
    """Return the log probability of counts under negative binomial distributions of given mean and dispersion.

    The variance is ``mean + mean^2 / theta``: ``theta`` is the inverse dispersion, as in scVI (Lopez et al. 2018), and
    large values give the Poisson distribution. In scipy's terms, ``nbinom(n=theta, p=theta / (theta + mean))``.
    Computed as in Loader 2000, which stays accurate in single precision for large counts and any ``theta``.

    The code of scVI (scvi-tools 1.4.2) adds 1e-8 to what it takes logarithms of, which matters for a count where nearly
    none is expected; nothing is added here, because means and ``theta`` are given by their logarithms.

    Args:
        x: Counts, whole numbers of at least 0.
        log_mean: Natural logarithm of the means, of a shape that broadcasts with ``x``.
        log_theta: Natural logarithm of ``theta``, of a shape that broadcasts with ``x``.

    Returns:
        Log probabilities in nats, all constants included, in the shape of all three together.
    """
    mean, theta, at = log_mean.exp(), log_theta.exp(), x.clamp_min(1)
    # Logarithms of expected over observed: of the failures, theta, and of the successes, x.
    difference, whole = at - mean, mean + theta
    is_near = difference.abs() < NEAR * whole
    # The branch that is not taken gets harmless values, because an infinite gradient times 0 would be NaN.
    near = torch.log1p(torch.where(is_near, difference, 0.0) / torch.where(is_near, whole, 1.0))
    failures = torch.where(is_near, near, (at + theta).log() - whole.log())
    successes = log_mean - at.log() + failures
    deviance = at * _excess(successes) + theta * _excess(failures)
    some = _at_best_mean(x, at) + _beyond_stirling(at + theta) - _beyond_stirling(theta) - deviance
    return torch.where(x > 0, some, -theta * functional.softplus(log_mean - log_theta))


def _excess(d: Tensor) -> Tensor:
    """Return ``exp(d) - 1 - d``."""
    return torch.expm1(d) - d


def _at_best_mean(x: Tensor, at: Tensor) -> Tensor:
    """Return the log probability of counts under Poisson distributions of means ``x``; ``at`` is ``x``, at least 1."""
    return torch.where(x > 0, -_beyond_stirling(at) - at.log(), 0.0)


def _beyond_stirling(a: Tensor) -> Tensor:
    """Return ``log Gamma(a) - a log(a) + a``, which changes slowly where its terms are large."""
    # Each branch gets only values of its own range, for the same reason as above.
    few, many = a.clamp_max(LARGE), a.clamp_min(LARGE)
    square = many.square()
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / many
    of_many = 0.5 * (math.log(2 * math.pi) - many.log()) + series
    return torch.where(a < LARGE, few.lgamma() - few * few.log() + few, of_many)
