"""Mathematics of rate and distortion."""

import math

import numpy as np
import pytest
import torch
from torch import distributions

from vaehub.plugins.rate_distortion import kernels
from vaehub.plugins.rate_distortion.kernels import (
    aggregate_log_density,
    gaussian_log_density,
    kl_between_gaussians,
)


@pytest.fixture
def batch(rng):
    mu, logvar = rng.normal(size=(40, 3)), rng.normal(-1, 0.5, size=(40, 3))
    return mu + rng.normal(size=mu.shape) * np.exp(logvar / 2), mu, logvar


def test_the_divergence_and_the_density_are_those_of_torch(batch, rng):
    z, mu, logvar = map(torch.tensor, batch)
    prior_mu, prior_logvar = torch.tensor(rng.normal(size=(2, 40, 3)))
    q, p = (distributions.Normal(m, (0.5 * s).exp()) for m, s in ((mu, logvar), (prior_mu, prior_logvar)))
    expected = distributions.kl_divergence(q, p).sum(1)
    torch.testing.assert_close(kl_between_gaussians(mu, logvar, prior_mu, prior_logvar), expected)
    torch.testing.assert_close(gaussian_log_density(z, mu, logvar), q.log_prob(z).sum(1))


def test_a_posterior_that_is_the_prior_has_no_rate():
    prior = np.array([[0.3, -1.0]]), np.array([[0.5, -2.0]])
    posteriors = (np.repeat(each, 5, axis=0) for each in prior)
    np.testing.assert_allclose(kl_between_gaussians(*posteriors, *prior), 0, atol=1e-15)


def test_a_batch_of_all_observations_gives_the_aggregate_itself(batch):
    z, mu, logvar = map(torch.tensor, batch)
    parts = distributions.Independent(distributions.Normal(mu, (0.5 * logvar).exp()), 1)
    mixture = distributions.MixtureSameFamily(distributions.Categorical(torch.ones(40)), parts)
    torch.testing.assert_close(aggregate_log_density(z, mu, logvar), mixture.log_prob(z))


def test_weighted_sampling_is_then_too_low_by_the_logarithm_of_n(batch):
    difference = aggregate_log_density(*batch) - aggregate_log_density(*batch, estimator="weighted")
    np.testing.assert_allclose(difference, math.log(40))


def test_stratified_densities_are_unbiased_over_batches(batch, rng):
    z, mu, logvar = batch
    expected = np.exp(aggregate_log_density(z, mu, logvar)[0])
    found = []
    for _ in range(4000):
        rows = np.r_[0, rng.choice(np.arange(1, 40), size=4, replace=False)]
        found.append(np.exp(aggregate_log_density(z[rows], mu[rows], logvar[rows], 40)[0]))
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / math.sqrt(4000))


def test_information_is_never_above_log_n(batch):
    z, mu, logvar = batch
    for scale in (1.0, 1e3):
        moved = z - mu + scale * mu, scale * mu, logvar
        information = gaussian_log_density(*moved) - aggregate_log_density(*moved, 1000)
        assert (information <= math.log(1000) + 1e-9).all()
    np.testing.assert_allclose(information, math.log(1000))


def test_chunks_change_nothing(batch, monkeypatch):
    whole = aggregate_log_density(*batch, 100)
    monkeypatch.setattr(kernels, "PAIRS_AT_ONCE", 130)
    np.testing.assert_allclose(aggregate_log_density(*batch, 100), whole, rtol=1e-12)


def test_nothing_is_lost_to_narrow_posteriors_far_from_the_origin(rng):
    mu, logvar = 1e3 + rng.normal(size=(30, 2)), np.full((30, 2), -18.0)
    z = mu + rng.normal(size=mu.shape) * np.exp(-9)
    expected = gaussian_log_density(z, mu, logvar) - math.log(30)
    np.testing.assert_allclose(aggregate_log_density(z, mu, logvar), expected, rtol=1e-6)


def test_one_of_several_observations_says_nothing_of_the_others(batch):
    one = [each[:1] for each in batch]
    assert np.isnan(aggregate_log_density(*one, 5)).all()
    np.testing.assert_allclose(aggregate_log_density(*one), gaussian_log_density(*one))
