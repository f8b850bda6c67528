"""Mathematics of the standard VAE."""

import numpy as np

from vaehub.plugins.vae.kernels import kl_to_standard_normal


def test_divergence_agrees_with_disentanglement_lib(oracles):
    oracle = np.load(oracles / "vae_losses.npz")
    found = kl_to_standard_normal(oracle["mu"], oracle["log_var"]).mean()
    np.testing.assert_allclose(found, oracle["kl_mean"], rtol=1e-9)


def test_divergence_is_zero_at_the_prior():
    assert kl_to_standard_normal(np.zeros((3, 2)), np.zeros((3, 2))).tolist() == [0, 0, 0]
