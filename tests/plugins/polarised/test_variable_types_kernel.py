"""Types of latents, in cases that can be worked out, and against independent code."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.plugins.polarised.kernels import LATENT_TYPES, shift_variance, types_beside_prior, variable_types

EXACT = {"rtol": 1e-9, "atol": 1e-10}
seeds = st.integers(0, 10_000)


def test_types_agree_with_published_code(oracles):
    oracle = np.load(oracles / "variable_types.npz")
    assert variable_types(oracle["S"]).tolist() == oracle["types"].tolist()
    np.testing.assert_allclose(oracle["S"].var(axis=0), oracle["variances"], **EXACT)


@given(seeds, st.floats(0.01, 0.49))
@settings(max_examples=30, deadline=None)
def test_each_latent_has_one_type_whatever_the_order_of_rows(seed, alpha):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0, 1.2, size=8) + rng.choice([0.0, 0.01, 0.3]) * rng.random((50, 8))
    types = variable_types(variance, alpha)
    assert types.shape == (8,)
    assert set(types) <= set(LATENT_TYPES)
    assert types.tolist() == variable_types(variance[rng.permutation(50)], alpha).tolist()
    order = rng.permutation(8)
    assert types[order].tolist() == variable_types(variance[:, order], alpha).tolist()


@pytest.mark.parametrize(("passive", "expected"), [(0.0, "active"), (0.1, "active"), (0.12, "mixed"), (0.5, "mixed")])
def test_a_latent_that_is_passive_for_a_share_of_observations_is_active_up_to_alpha(passive, expected):
    """A mixture of 0 and 1 has mean p and variance p (1 - p)."""
    variance = (np.arange(1000) < 1000 * passive).astype(float)[:, None]
    assert variable_types(variance).tolist() == [expected]


@pytest.mark.parametrize(
    ("mean", "expected"), [(0.0, "active"), (0.1, "active"), (0.11, "mixed"), (0.89, "mixed"), (1.0, "passive")]
)
def test_bounds_of_the_mean(mean, expected):
    assert variable_types(np.full((10, 1), mean)).tolist() == [expected]


def test_a_passive_latent_of_a_conditioned_prior_must_not_move_about_it():
    ratio = np.ones((10, 3))
    assert variable_types(ratio, mu_variance=np.array([0.0, 0.1, 0.2])).tolist() == ["passive", "passive", "mixed"]
    assert variable_types(torch.zeros(10, 1), mu_variance=torch.ones(1)).tolist() == ["active"]


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf])
def test_types_are_of_variances(wrong):
    variance = np.ones((10, 2))
    variance[3, 1] = wrong
    with pytest.raises(VaehubError, match="finite and at least 0, .* of log variances, take the exponential"):
        variable_types(variance)


@pytest.mark.parametrize("alpha", [0.0, 0.5, math.nan])
def test_an_alpha_by_which_a_latent_could_be_both_is_refused(alpha):
    with pytest.raises(VaehubError, match="greater than 0 and less than 0.5"):
        variable_types(np.ones((10, 2)), alpha)


@pytest.mark.parametrize("shape", [(10,), (1, 3), (10, 0), (2, 3, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(VaehubError, match="have shape .n, latent_dim., with 2 observations at least, got"):
        variable_types(np.ones(shape))


def test_beside_a_standard_normal_prior_the_rule_is_that_of_variances_alone():
    rng = np.random.default_rng(0)
    mu, logvar = rng.normal(size=(200, 6)), np.log(rng.uniform(0.01, 1.1, size=(200, 6)))
    zeros = np.zeros((200, 6))
    assert types_beside_prior(mu, logvar, zeros, zeros).tolist() == variable_types(np.exp(logvar)).tolist()


def test_units_of_the_prior_change_no_type():
    """A latent and its prior stretched and moved together are the same latent."""
    rng = np.random.default_rng(1)
    n = 400
    logvar = np.log(np.stack([np.full(n, 0.01), np.full(n, 1.0), rng.uniform(0.01, 1, n), np.full(n, 1.0)], axis=1))
    # The last is a latent whose variance is the prior's while its means say something.
    mu = np.stack([rng.normal(size=n), np.zeros(n), rng.normal(size=n), rng.normal(size=n)], axis=1)
    scale, shift = np.array([0.2, 3.0, 7.0, 0.5]), rng.normal(size=(n, 4))
    moved = types_beside_prior(
        scale * mu + shift, logvar + 2 * np.log(scale), shift, np.broadcast_to(2 * np.log(scale), (n, 4))
    )
    assert moved.tolist() == ["active", "passive", "mixed", "mixed"]


def test_means_that_follow_the_priors_have_no_shift():
    rng = np.random.default_rng(2)
    prior_mu, prior_logvar = rng.normal(size=(500, 2)), np.full((500, 2), math.log(4.0))
    mu = prior_mu + np.stack([np.zeros(500), 2 * rng.normal(size=500)], axis=1)
    found = shift_variance(mu, prior_mu, prior_logvar)
    assert float(found[0]) == 0
    assert float(found[1]) == pytest.approx(((mu - prior_mu)[:, 1] / 2).var(), rel=1e-12)
