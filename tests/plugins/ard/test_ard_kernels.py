"""Mathematics of ARD-VAE, against independent code, closed forms and invariants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from vaehub.plugins.ard.kernels import (
    kl_to_gaussian,
    kl_to_student_t,
    precision_posterior,
    student_t_logpdf,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "ard.npz")


def test_precision_posterior_is_the_conjugate_update(oracle):
    a, b = precision_posterior(oracle["Dz"])
    assert float(a) == oracle["a"]
    np.testing.assert_allclose(b, oracle["b"], **EXACT)
    np.testing.assert_allclose(b / a, oracle["est_var"], **EXACT)


def test_estimated_variance_is_the_second_moment_and_not_the_variance(rng):
    z = rng.normal(loc=3.0, size=(400, 2))
    a, b = precision_posterior(z)
    np.testing.assert_allclose(b / a, np.mean(z**2, axis=0), **EXACT)


def test_precision_posterior_counts_in_double_for_single_codes(rng):
    z = torch.as_tensor(rng.normal(size=(50, 3)), dtype=torch.float32)
    _, b = precision_posterior(z)
    assert b.dtype == torch.float64


def test_divergence_agrees_with_torch_distributions(oracle):
    found = kl_to_gaussian(oracle["mu"], oracle["log_var"], oracle["est_var"])
    np.testing.assert_allclose(found, oracle["kl_gaussian"], **EXACT)


def test_divergence_is_zero_where_the_posterior_is_the_prior(rng):
    variance = rng.uniform(0.1, 4.0, size=5)
    found = kl_to_gaussian(np.zeros((7, 5)), np.tile(np.log(variance), (7, 1)), variance)
    np.testing.assert_allclose(found, np.zeros(7), atol=1e-14)


@given(
    arrays(float, (3, 4), elements=st.floats(-5, 5)),
    arrays(float, (3, 4), elements=st.floats(-10, 5)),
    arrays(float, 4, elements=st.floats(1e-6, 1e3)),
)
def test_divergence_is_never_negative(mu, logvar, variance):
    assert (kl_to_gaussian(mu, logvar, variance) >= -1e-9).all()


def test_divergence_at_unit_variance_is_the_standard_one(rng):
    mu, logvar = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    standard = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1)
    np.testing.assert_allclose(kl_to_gaussian(mu, logvar, np.ones(3)), standard, **EXACT)


def test_divergence_stays_finite_for_a_prior_without_variance():
    assert np.isfinite(kl_to_gaussian(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(2))).all()


def test_divergence_carries_a_gradient_and_keeps_its_dtype():
    mu = torch.ones(2, 3, requires_grad=True)
    kl = kl_to_gaussian(mu, torch.zeros(2, 3), torch.full((3,), 4.0))
    kl.sum().backward()
    assert kl.dtype == torch.float32
    torch.testing.assert_close(mu.grad, torch.full((2, 3), 0.25))


def test_student_t_agrees_with_scipy(oracle):
    found = student_t_logpdf(oracle["z"], 2 * float(oracle["a"]), np.sqrt(oracle["est_var"]))
    np.testing.assert_allclose(found, oracle["student_t_logpdf"], **EXACT)


def test_student_t_of_few_degrees_agrees_with_scipy(rng):
    z, scale = rng.normal(size=(20, 2)), np.array([0.3, 2.0])
    np.testing.assert_allclose(student_t_logpdf(z, 3.0, scale), stats.t.logpdf(z, 3.0, scale=scale), **EXACT)


def test_student_t_divergence_nears_the_gaussian_one_for_many_observations(rng):
    n = 200_000
    mu, logvar, variance = np.full((n, 1), 0.8), np.full((n, 1), math.log(0.1)), np.ones(1)
    z = mu + np.sqrt(0.1) * rng.normal(size=(n, 1))
    student = kl_to_student_t(logvar, z, 10_000.0, np.sqrt(variance)).mean()
    gaussian = kl_to_gaussian(mu[:1], logvar[:1], variance)[0]
    # Three standard errors of the mean over draws, beside the bias of less than 1e-3 for 10,000 degrees.
    assert student == pytest.approx(gaussian, abs=3 * 0.27 / math.sqrt(n) + 1e-3)
