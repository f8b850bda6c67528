"""Log probabilities of counts, in single and double precision."""

import itertools

import numpy as np
import pytest
import torch
from scipy import special, stats

from vaehub.likelihoods.count_densities import negative_binomial_log_density, poisson_log_density

COUNTS = (0, 1, 2, 15, 16, 17, 1000, 100_000)
MEANS = (1e-4, 0.5, 3.0, 1e3, 1.1e5)
THETAS = (1e-3, 0.1, 1.0, 30.0, 1e4, 1e6, 1e10)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-8}
"""Relative to 1 + |log p|: about 100 roundings in single precision; in double, the error of scipy's own formula."""


def grid(dtype):
    """Return counts and the logarithms of means and thetas, as the precision holds them."""
    x, mean, theta = torch.tensor(list(itertools.product(COUNTS, MEANS, THETAS)), dtype=torch.float64).T
    return x.to(dtype), mean.log().to(dtype).requires_grad_(), theta.log().to(dtype).requires_grad_()


def in_double(*values):
    return [each.detach().double().numpy() for each in values]


def relative(found, expected):
    return np.abs(in_double(found)[0] - expected) / (1 + np.abs(expected))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_negative_binomials_are_scipys(dtype):
    x, log_mean, log_theta = grid(dtype)
    found = negative_binomial_log_density(x, log_mean, log_theta)
    k, m, t = in_double(x, log_mean, log_theta)
    m, t = np.exp(m), np.exp(t)
    expected = stats.nbinom.logpmf(k, t, t / (t + m))
    assert found.dtype == dtype
    assert np.isfinite(expected).all()
    # For large thetas, scipy takes differences of large gamma functions, and multiplies a count by a p of nearly 1.
    of_scipy = 4 * np.finfo(np.float64).eps * (k * (t + m) / m + special.gammaln(k + t + 2))
    assert (np.abs(in_double(found)[0] - expected) <= TOLERANCE[dtype] * (1 + np.abs(expected)) + of_scipy).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_poissons_are_scipys(dtype):
    x, log_mean, _ = grid(dtype)
    k, m = in_double(x, log_mean)
    found = poisson_log_density(x, log_mean)
    assert found.dtype == dtype
    assert relative(found, stats.poisson.logpmf(k, np.exp(m))).max() < TOLERANCE[dtype]


def test_the_series_joins_the_formula_it_replaces():
    # Of a probability at its own mean, gamma functions are all that is left.
    x = torch.arange(1, 40, dtype=torch.float64)
    expected = stats.poisson.logpmf(x.numpy(), x.numpy())
    assert np.abs(poisson_log_density(x, x.log()).numpy() - expected).max() < 1e-13


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradients_are_those_of_the_formula_and_finite(dtype):
    x, log_mean, log_theta = grid(dtype)
    negative_binomial_log_density(x, log_mean, log_theta).sum().backward()
    k, m, t = in_double(x, log_mean, log_theta)
    m, t = np.exp(m), np.exp(t)
    of_mean = (k - m) * t / (t + m)
    of_theta = t * (special.digamma(k + t) - special.digamma(t) + np.log(t / (t + m)) + (m - k) / (t + m))
    # Differences of a count and its mean, and of digamma functions, are rounded in units of what is subtracted.
    scale = 1e-6 if dtype == torch.float32 else 1e-12
    assert (np.abs(in_double(log_mean.grad)[0] - of_mean) <= scale * (k + m)).all()
    assert (np.abs(in_double(log_theta.grad)[0] - of_theta) <= 10 * scale * (1 + k + m + t)).all()


def test_gradients_are_finite_where_means_and_dispersions_are_extreme():
    x, log_mean, log_theta = torch.meshgrid(
        torch.tensor([0.0, 1.0, 20.0, 1e6]),
        torch.tensor([-80.0, 0.0, 14.0]),
        torch.tensor([-60.0, -40.0, 0.0, 40.0]),
        indexing="ij",
    )
    log_mean, log_theta = log_mean.clone().requires_grad_(), log_theta.clone().requires_grad_()
    for found in (negative_binomial_log_density(x, log_mean, log_theta), poisson_log_density(x, log_mean)):
        assert bool(found.isfinite().all())
        found.sum().backward()
    assert bool(log_mean.grad.isfinite().all())
    assert bool(log_theta.grad.isfinite().all())


@pytest.mark.parametrize("theta", [0.05, 1.0, 40.0])
def test_probabilities_sum_to_one(theta):
    x = torch.arange(0, 20_000, dtype=torch.float64)
    log_mean = torch.tensor(30.0, dtype=torch.float64).log()
    log_theta = torch.tensor(theta, dtype=torch.float64).log()
    assert float(negative_binomial_log_density(x, log_mean, log_theta).exp().sum()) == pytest.approx(1, abs=1e-9)
    assert float(poisson_log_density(x, log_mean).exp().sum()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_large_theta_is_a_poisson_distribution(dtype):
    x, log_mean, _ = grid(dtype)
    found = negative_binomial_log_density(x, log_mean, torch.tensor(35.0, dtype=dtype))
    assert relative(found, in_double(poisson_log_density(x, log_mean))[0]).max() < TOLERANCE[dtype]


def test_counts_broadcast_with_one_theta_for_each_feature():
    x, log_mean, log_theta = torch.ones(3, 1), torch.zeros(3, 4), torch.arange(4.0)
    found = negative_binomial_log_density(x, log_mean, log_theta)
    assert found.shape == (3, 4)
    assert torch.equal(found[0], found[2])
    assert len(found[0].unique()) == 4
