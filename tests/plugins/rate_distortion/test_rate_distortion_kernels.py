"""Mathematics of rate and distortion."""

import math

import numpy as np
import pytest
import torch
from torch import distributions

from vaehub.plugins.rate_distortion import kernels
from vaehub.plugins.rate_distortion.kernels import (
    aggregate_log_density,
    density_controls,
    gaussian_log_density,
    kl_between_gaussians,
    without_controls,
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


# Control variates


def test_controls_are_log_densities_less_their_expectation(batch):
    z, mu, logvar = map(torch.tensor, batch)
    variance = logvar.exp()
    posterior = distributions.MultivariateNormal(mu, torch.diag_embed(variance))
    covariance = variance.mean(0).diag() + mu.T.cov(correction=0)
    matched = distributions.MultivariateNormal(mu.mean(0), covariance)
    own = posterior.log_prob(z) + posterior.entropy()
    other = matched.log_prob(z) + posterior.entropy() + distributions.kl_divergence(posterior, matched)
    torch.testing.assert_close(density_controls(z, mu, logvar), torch.stack([own, other], dim=1))


def test_controls_are_finite_where_latents_repeat_each_other(rng):
    mu = np.repeat(rng.normal(size=(50, 1)), 2, axis=1)
    logvar = np.full((50, 2), -60.0)
    found = density_controls(mu + rng.normal(size=(50, 2)) * np.exp(-30), mu, logvar)
    assert np.isfinite(found).all()


def test_what_is_linear_in_the_controls_is_taken_away_and_nothing_else(rng):
    controls = rng.normal(size=(200, 2))
    values = rng.normal(size=200)
    found = without_controls(values + controls @ [3.0, -2.0], controls)
    np.testing.assert_allclose(found, without_controls(values, controls), atol=1e-12)
    centred = controls - controls.mean(0)
    np.testing.assert_allclose(centred.T @ found, 0, atol=1e-10)
    np.testing.assert_array_equal(without_controls(np.full(200, 5.0), controls), 5)


def test_controls_that_are_the_same_or_constant_are_no_obstacle(rng):
    one = rng.normal(size=(100, 1))
    values = rng.normal(size=100)
    same = without_controls(values, np.concatenate([one, one], axis=1))
    np.testing.assert_allclose(same, without_controls(values, one), atol=1e-12)
    np.testing.assert_allclose(without_controls(values, 0 * one), values)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1.5, 2.0)])
def test_mutual_information_has_less_noise_with_controls(scale, shift):
    """I = 1/2 log(1 / 0.3) + 1/2 log(1 / 0.5) with an aggregate that is Gaussian, wherever it lies."""
    variance = torch.tensor([0.3, 0.5, 1.0]).double()
    expected = -0.5 * float(variance.log().sum())
    random = torch.Generator().manual_seed(0)
    plain, controlled = [], []
    for _ in range(30):
        x, noise = torch.randn(2, 400, 3, generator=random, dtype=torch.float64)
        mu = shift + scale * (1 - variance).sqrt() * x
        logvar = (scale**2 * variance).log().expand_as(mu)
        z = mu + (0.5 * logvar).exp() * noise
        values = gaussian_log_density(z, mu, logvar) - aggregate_log_density(z, mu, logvar)
        plain.append(float(values.mean()))
        controlled.append(float(without_controls(values, density_controls(z, mu, logvar)).mean()))
    # Noise of the observations themselves stays.
    assert np.std(controlled) < 0.8 * np.std(plain)
    assert np.mean(controlled) == pytest.approx(expected, abs=0.03)
