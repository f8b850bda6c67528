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
    n_relevant,
    precision_posterior,
    relevance_weights,
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


def from_jacobian(jacobian):
    """Return a decoder whose derivative at observation i is the i-th matrix; takes all observations at once."""
    matrices = torch.as_tensor(jacobian)
    return lambda z: torch.einsum("nkl,nl->nk", matrices, z)


def test_weights_are_the_printed_formula(oracle):
    decode, n = from_jacobian(oracle["jacobian"]), len(oracle["jacobian"])
    found = relevance_weights(decode, np.zeros((n, 7)), at_once=n * 7)
    np.testing.assert_allclose(found, oracle["w_eq19"], **EXACT)


def test_weights_of_mean_magnitudes_are_those_of_the_released_code(oracle):
    decode, n = from_jacobian(oracle["jacobian"]), len(oracle["jacobian"])
    found = relevance_weights(decode, np.zeros((n, 7)), average="abs_mean", at_once=n * 7)
    np.testing.assert_allclose(found, oracle["w_reference"], **EXACT)
    np.testing.assert_allclose(found * oracle["est_var"], oracle["score_reference"], **EXACT)


def test_number_of_relevant_latents_is_that_of_the_released_code(oracle):
    assert n_relevant(oracle["score_reference"]) == oracle["n_relevant_reference"]


def test_weights_of_a_linear_decoder_are_squared_column_norms(rng):
    matrix = torch.as_tensor(rng.normal(size=(9, 4)))
    found = relevance_weights(lambda z: z @ matrix.T, rng.normal(size=(5, 4)))
    np.testing.assert_allclose(found, (matrix**2).sum(0), **EXACT)


def curved(z):
    """Return a decoder's output that is curved in every latent."""
    return torch.stack([torch.sin(z[:, 0] * z[:, 1]), z[:, 1] ** 2, torch.exp(0.3 * z[:, 2])], dim=1)


def test_weights_agree_with_reverse_mode_one_observation_at_a_time(rng):
    z = torch.as_tensor(rng.normal(size=(12, 3)))
    jacobians = [torch.autograd.functional.jacobian(lambda one: curved(one[None])[0], row) for row in z]
    expected = torch.stack(jacobians).square().mean(0).sum(0)
    torch.testing.assert_close(relevance_weights(curved, z), expected)


@pytest.mark.parametrize("average", ["mean_square", "abs_mean"])
def test_chunks_change_no_weight(rng, average):
    z = rng.normal(size=(11, 3))
    whole = relevance_weights(curved, z, average=average, at_once=1000)
    np.testing.assert_allclose(relevance_weights(curved, z, average=average, at_once=1), whole, rtol=1e-12)


def test_mean_magnitudes_never_give_a_larger_weight(rng):
    z = rng.normal(size=(30, 3))
    assert (relevance_weights(curved, z, average="abs_mean") <= relevance_weights(curved, z) + 1e-12).all()


def test_a_latent_that_the_decoder_ignores_has_no_weight(rng):
    assert relevance_weights(lambda z: z[:, :1] * 2, rng.normal(size=(4, 3))).tolist() == [4.0, 0.0, 0.0]


def test_relevance_ignores_the_scale_of_a_latent(rng):
    z, scale = rng.normal(size=(40, 3)), np.array([1.0, 10.0, 0.01])
    variance = z.var(axis=0)
    rescaled = relevance_weights(lambda y: curved(y / torch.as_tensor(scale)), z * scale) * variance * scale**2
    np.testing.assert_allclose(rescaled, relevance_weights(curved, z) * variance, rtol=1e-9)


def test_weights_without_observations_are_undefined():
    assert relevance_weights(curved, torch.zeros(0, 3)).isnan().all()


def test_equal_scores_are_all_relevant():
    assert n_relevant(np.full(10, 0.3)) == 10
    # 99 of 100 reach exactly 99 %, which is not more than 99 %.
    assert n_relevant(np.ones(100)) == 100


def test_one_dominant_score_is_enough():
    assert n_relevant(np.array([1e-6, 5.0, 1e-6])) == 1


def test_nothing_is_relevant_when_all_scores_are_zero():
    assert n_relevant(np.zeros(4)) == 0


def test_explaining_everything_counts_whatever_is_not_zero():
    assert n_relevant(np.array([1.0, 1e-9, 0.0]), explained=1.0) == 2


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1e6)), st.floats(0.01, 0.999))
def test_the_relevant_latents_explain_the_share_and_one_less_does_not(scores, explained):
    k, ordered = n_relevant(scores, explained), np.sort(scores)[::-1]
    total = ordered.sum()
    if total == 0:
        assert k == 0
    else:
        assert ordered[:k].sum() / total >= explained - 1e-9
        assert ordered[: k - 1].sum() / total <= explained + 1e-9


@given(arrays(float, 6, elements=st.floats(0, 100)), st.permutations(range(6)))
def test_the_number_of_relevant_latents_ignores_their_order(scores, order):
    assert n_relevant(scores) == n_relevant(scores[list(order)])


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_scores_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        n_relevant(np.array([1.0, bad]))
