"""The divergence between Gaussians."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaehub.plugins.models.conditioned.kernels import kl_between_gaussians


def test_divergence_agrees_with_the_distributions_of_pytorch(rng):
    mu, logvar, prior_mu, prior_logvar = (torch.from_numpy(each) for each in rng.normal(size=(4, 30, 3)))
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(prior_mu, (0.5 * prior_logvar).exp()))
    torch.testing.assert_close(kl_between_gaussians(mu, logvar, prior_mu, prior_logvar), expected.sum(dim=1))


def test_divergence_of_a_gaussian_from_itself_is_zero(rng):
    mu, logvar = rng.normal(size=(2, 20, 4))
    assert (kl_between_gaussians(mu, logvar, mu, logvar) == 0).all()


def test_divergence_does_not_change_when_both_are_shifted_and_scaled(rng):
    mu, logvar, prior_mu, prior_logvar = rng.normal(size=(4, 20, 3))
    shift, log_scale = rng.normal(size=(2, 3))
    scale = np.exp(log_scale)
    moved = kl_between_gaussians(
        mu * scale + shift, logvar + 2 * log_scale, prior_mu * scale + shift, prior_logvar + 2 * log_scale
    )
    np.testing.assert_allclose(moved, kl_between_gaussians(mu, logvar, prior_mu, prior_logvar), rtol=1e-9)


def test_divergence_of_tiny_but_equal_variances_is_zero():
    mu, logvar = np.zeros((2, 3)), np.full((2, 3), -700.0)
    assert (kl_between_gaussians(mu, logvar, mu, logvar) == 0).all()


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_divergence_from_a_prior_of_vanishing_variance_is_not_finite(mu):
    zeros = np.zeros((2, 3))
    assert not np.isfinite(kl_between_gaussians(zeros + mu, zeros, zeros, zeros - 1000)).any()
