"""Mathematics of the standard VAE."""

import math

import numpy as np
import pytest

from vaehub.plugins.models.vae.kernels import capacity, covariance_penalties, kl_to_standard_normal, total_correlation


def test_divergence_agrees_with_disentanglement_lib(oracles):
    oracle = np.load(oracles / "vae_losses.npz")
    found = kl_to_standard_normal(oracle["mu"], oracle["log_var"]).mean()
    np.testing.assert_allclose(found, oracle["kl_mean"], rtol=1e-9)


def test_divergence_is_zero_at_the_prior():
    assert kl_to_standard_normal(np.zeros((3, 2)), np.zeros((3, 2))).tolist() == [0, 0, 0]


def test_total_correlation_agrees_with_disentanglement_lib(oracles):
    oracle = np.load(oracles / "vae_losses.npz")
    found = total_correlation(oracle["z"], oracle["mu"], oracle["log_var"])
    np.testing.assert_allclose(found, oracle["tc_minibatch"], rtol=1e-9)


def test_total_correlation_of_two_equal_standard_normals_is_minus_log_2():
    # Sum over i of logsumexp over j: joint log 2 + c, product 2 (log 2) + c, whatever the constants c.
    zeros = np.zeros((2, 2))
    assert total_correlation(zeros, zeros, zeros) == pytest.approx(-math.log(2), rel=1e-12)


def test_total_correlation_of_one_observation_is_zero(rng):
    z, mu, logvar = rng.normal(size=(3, 1, 5))
    assert total_correlation(z, mu, logvar) == pytest.approx(0, abs=1e-12)


def test_latents_that_repeat_each_other_correlate_more(rng):
    mu = rng.normal(size=(500, 1)) * 3
    logvar = np.full((500, 2), -3.0)
    together, apart = np.repeat(mu, 2, axis=1), np.concatenate([mu, rng.permutation(mu)], axis=1)
    noise = rng.normal(size=(500, 2)) * np.exp(-1.5)
    found = [total_correlation(means + noise, means, logvar) for means in (together, apart)]
    # Independent latents leave the constant alone: - log n.
    assert found[1] == pytest.approx(-math.log(500), abs=0.5)
    assert found[0] > found[1] + 1


@pytest.mark.parametrize(("logvar", "name", "weight"), [(None, "dip_i", 100), ("log_var", "dip_ii", 10)])
def test_penalties_agree_with_disentanglement_lib(oracles, logvar, name, weight):
    oracle = np.load(oracles / "vae_losses.npz")
    given = () if logvar is None else (oracle[logvar],)
    off_diagonal, diagonal = covariance_penalties(oracle["mu"], *given)
    np.testing.assert_allclose(10 * off_diagonal + weight * diagonal, oracle[name], rtol=1e-9)


def test_penalties_are_those_of_the_covariance(rng):
    mu, logvar = rng.normal(size=(2, 40, 3))
    covariance = np.cov(mu.T, bias=True) + np.diag(np.exp(logvar).mean(axis=0))
    off_diagonal, diagonal = covariance_penalties(mu, logvar)
    assert off_diagonal == pytest.approx((covariance**2).sum() - (np.diag(covariance) ** 2).sum())
    assert diagonal == pytest.approx(((np.diag(covariance) - 1) ** 2).sum())


def test_a_standard_normal_aggregate_costs_nothing():
    # Four corners of a square: uncorrelated means of variance 1; without noise, and shrunk with it.
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert covariance_penalties(corners) == (0, 0)
    found = covariance_penalties(corners / 2, np.full((4, 2), math.log(0.75)))
    assert found == pytest.approx((0, 0), abs=1e-15)


def test_the_capacity_rises_to_its_maximum_and_stays():
    assert [capacity(step, 25, 100) for step in (0, 1, 50, 100, 1000)] == [0, 0.25, 12.5, 25, 25]
