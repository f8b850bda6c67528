"""Mathematics of the linear VAE."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, ortho_group

from vaehub.plugins.linear_vae.kernels import (
    diagonal_variance,
    linear_elbo,
    linear_posterior,
    ppca_solution,
    shared_kl,
)

SHARED = settings(max_examples=50, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def decoder(rng, m=5, n=3):
    return rng.normal(size=(m, n)), rng.normal(size=m)


def bound(x, weights, bias, gamma, *, diagonal):
    encoder, covariance = linear_posterior(weights, gamma)
    chosen = diagonal_variance(weights, gamma) if diagonal else covariance
    return linear_elbo(x, weights, bias, gamma, mu=(x - bias) @ encoder.T, covariance=chosen)


@pytest.fixture
def oracle(oracles):
    with np.load(oracles / "ppca.npz") as file:
        return dict(file)


def solved(oracle, **more):
    x = oracle["X"]
    return ppca_solution(x.mean(0), np.cov(x.T, bias=True), int(oracle["n_components"]), **more)


# scikit-learn divides the covariance by N - 1, so that its solution is the maximum for a covariance of that size.
def of_scikit_learn(oracle):
    return ppca_solution(oracle["mean"], np.cov(oracle["X"].T), int(oracle["n_components"]))


@pytest.mark.parametrize("diagonal", [True, False])
def test_the_bound_at_the_optimum_is_the_likelihood_of_scikit_learn(oracle, diagonal):
    found = bound(oracle["X"], *of_scikit_learn(oracle), diagonal=diagonal)
    np.testing.assert_allclose(found.mean(), oracle["mean_loglik"], rtol=1e-9)
    np.testing.assert_allclose(found, oracle["sample_loglik"], rtol=1e-9)


def test_the_optimum_is_that_of_scikit_learn(oracle):
    weights, bias, gamma = of_scikit_learn(oracle)
    np.testing.assert_allclose(gamma, oracle["noise_variance"], rtol=1e-9)
    np.testing.assert_allclose(bias, oracle["mean"], rtol=1e-12)
    np.testing.assert_allclose(weights @ weights.T + gamma * np.eye(8), oracle["covariance"], rtol=1e-9)


def test_the_population_covariance_gives_the_greater_likelihood(oracle):
    x = oracle["X"]
    found = bound(x, *solved(oracle), diagonal=True).mean()
    assert oracle["mean_loglik"] < found < oracle["mean_loglik"] + 1e-3


def test_columns_of_the_optimum_are_orthogonal_and_fall_in_length(oracle):
    weights, _, _ = solved(oracle)
    products = weights.T @ weights
    np.testing.assert_allclose(products, np.diag(products.diagonal()), atol=1e-12)
    assert (np.diff(products.diagonal()) < 0).all()


@pytest.mark.parametrize(("gamma", "expected"), [(0.1, [1 / 41, 1 / 11]), (100, [0.9615, 0.9901])])
def test_variances_are_those_that_the_thesis_quotes(gamma, expected):
    weights = np.array([[2.0, 0], [0, 1], [0, 0]])
    np.testing.assert_allclose(diagonal_variance(weights, gamma), expected, atol=5e-5)
    np.testing.assert_allclose(linear_posterior(weights, gamma)[1], np.diag(expected), atol=5e-5)


@SHARED
@given(SEEDS, st.floats(0.05, 20))
def test_the_bound_of_the_full_posterior_is_the_density_of_the_observation(seed, gamma):
    rng = np.random.default_rng(seed)
    weights, bias = decoder(rng)
    x = rng.normal(size=(7, 5))
    density = multivariate_normal(bias, weights @ weights.T + gamma * np.eye(5)).logpdf(x)
    np.testing.assert_allclose(bound(x, weights, bias, gamma, diagonal=False), density, rtol=1e-9, atol=1e-9)


@SHARED
@given(SEEDS, st.floats(0.05, 20))
def test_rotating_the_decoder_changes_the_bound_of_the_diagonal_posterior_alone_and_lowers_it(seed, gamma):
    rng = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(rng.normal(size=(5, 3)))
    weights, bias = orthogonal * [3.0, 2.0, 1.0], rng.normal(size=5)
    turned = weights @ ortho_group.rvs(3, random_state=rng)
    x = rng.normal(size=(7, 5))
    whole, whole_turned = (bound(x, each, bias, gamma, diagonal=False) for each in (weights, turned))
    np.testing.assert_allclose(whole_turned, whole, rtol=1e-9)
    straight, crooked = (bound(x, each, bias, gamma, diagonal=True) for each in (weights, turned))
    np.testing.assert_allclose(straight, whole, rtol=1e-9)
    # By half the logarithm of Hadamard's ratio, which is the same for every observation.
    precision = turned.T @ turned / gamma + np.eye(3)
    gap = 0.5 * (np.log(precision.diagonal()).sum() - np.linalg.slogdet(precision)[1])
    assert gap > 0
    np.testing.assert_allclose(straight - crooked, gap, atol=1e-8 * np.abs(straight).max())


def test_a_column_of_zeros_is_a_passive_latent(rng):
    weights, _ = decoder(rng)
    weights[:, 1] = 0
    encoder, covariance = linear_posterior(weights, 0.3)
    assert diagonal_variance(weights, 0.3)[1] == 1
    np.testing.assert_allclose(encoder[1], 0, atol=1e-15)
    np.testing.assert_allclose(covariance[1], [0, 1, 0], atol=1e-15)


@SHARED
@given(SEEDS, st.floats(0.05, 20), st.floats(1.01, 10))
def test_more_noise_or_more_weight_moves_variances_to_1_and_means_to_0(seed, gamma, factor):
    rng = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(rng.normal(size=(5, 3)))
    weights = orthogonal * rng.uniform(0.1, 3, size=3)
    encoder, _ = linear_posterior(weights, gamma)
    for more in ({"gamma": factor * gamma}, {"gamma": gamma, "beta": factor}):
        assert (diagonal_variance(weights, **more) > diagonal_variance(weights, gamma)).all()
        further, _ = linear_posterior(weights, **more)
        # Columns are orthogonal, so that every latent's mean shrinks along its own direction.
        assert (np.linalg.norm(further, axis=1) < np.linalg.norm(encoder, axis=1)).all()


def test_noise_and_weight_enter_the_posterior_by_their_product(rng):
    weights, _ = decoder(rng)
    for found, expected in zip(linear_posterior(weights, 0.5, 4.0), linear_posterior(weights, 2.0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def objective(x, weights, bias, gamma, beta):
    encoder, _ = linear_posterior(weights, gamma, beta)
    mu, variance = (x - bias) @ encoder.T, diagonal_variance(weights, gamma, beta)
    kl = shared_kl(mu, variance)
    return (-linear_elbo(x, weights, bias, gamma, mu=mu, covariance=variance) + (beta - 1) * kl).mean()


@pytest.mark.parametrize("beta", [0.3, 1, 2, 3, 20, 400])
def test_the_learned_variance_is_the_best_of_all(oracle, beta):
    best = objective(oracle["X"], *solved(oracle, beta=beta), beta)
    for gamma in np.geomspace(0.01, 50, 80):
        assert objective(oracle["X"], *solved(oracle, gamma=float(gamma), beta=beta), beta) >= best - 1e-9


@pytest.mark.parametrize("beta", [0.3, 1, 3, 20])
def test_no_small_change_of_the_optimum_lowers_the_objective(oracle, beta):
    x = torch.tensor(oracle["X"])
    moments = x.mean(0), x.T.cov(correction=0)
    weights, bias, gamma = (each.requires_grad_() for each in ppca_solution(*moments, 3, beta=beta))
    encoder, _ = (each.detach().requires_grad_() for each in linear_posterior(weights, gamma, beta))
    variance = diagonal_variance(weights, gamma, beta).detach().requires_grad_()
    mu = (x - x.mean(0)) @ encoder.T
    elbo = linear_elbo(x, weights, bias, gamma, mu=mu, covariance=variance)
    (-elbo + (beta - 1) * shared_kl(mu, variance)).mean().backward()
    for each in (weights, bias, gamma, encoder, variance):
        torch.testing.assert_close(each.grad, torch.zeros_like(each), atol=1e-9, rtol=0)


def test_a_great_weight_makes_all_latents_passive(oracle):
    weights, _, gamma = solved(oracle, beta=1e4)
    assert not weights.any()
    assert gamma == pytest.approx(oracle["X"].var(0).mean(), rel=1e-12)


def test_a_covariance_that_leaves_nothing_over_has_a_variance_of_0(rng):
    half = rng.normal(size=(6, 2))
    _, _, gamma = ppca_solution(np.zeros(6), half @ half.T, 2)
    assert gamma == 0
    assert ppca_solution(np.zeros(6), np.zeros((6, 6)), 2)[2] == 0
    assert ppca_solution(np.zeros(6), half @ half.T, 1)[2] > 0
