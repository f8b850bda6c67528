"""VAE and beta-VAE."""

import pytest
import torch

from vaehub import Batch, Dataset, Step, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.mlp.network import Mlp
from vaehub.plugins.mlp.params import MlpParams
from vaehub.plugins.vae.model import BetaVae, Vae
from vaehub.plugins.vae.params import BetaVaeParams, VaeParams


@pytest.fixture
def data():
    return Dataset(torch.rand(10, 1, 4, 4, generator=generator(0, "x")))


def build(kind, params, data):
    with seeded_construction(0):
        return kind(params, Mlp(MlpParams(hidden=(8,)), data.spec, params.latent_dim, 2), data.spec)


def loss(model, data):
    return model.loss(Batch(data.x), Step(0, 0, generator(0, "noise")))


def test_total_of_a_vae_is_the_sum_of_its_parts(data):
    losses = loss(build(Vae, VaeParams(latent_dim=3), data), data)
    torch.testing.assert_close(losses.total, losses.parts["reconstruction"] + losses.parts["kl"])


def test_beta_weighs_the_divergence_alone(data):
    plain = loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=1), data), data)
    weighted = loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=5), data), data)
    torch.testing.assert_close(weighted.parts["kl"], plain.parts["kl"])
    torch.testing.assert_close(weighted.total - plain.total, 4 * plain.parts["kl"])


def test_beta_of_one_is_the_plain_vae(data):
    plain = loss(build(Vae, VaeParams(latent_dim=3), data), data)
    assert torch.equal(loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=1), data), data).total, plain.total)


def test_reconstructions_are_probabilities_in_the_shape_of_the_data(data):
    found = build(Vae, VaeParams(latent_dim=3), data).decode(torch.zeros(2, 3))
    assert found.shape == (2, 1, 4, 4)
    assert bool(((found > 0) & (found < 1)).all())


def test_data_outside_the_unit_interval_have_no_bernoulli_likelihood():
    data = Dataset(torch.full((4, 3), 2.0))
    with pytest.raises(VaehubError, match=r"Bernoulli likelihood needs data in \[0, 1\].*squared_error"):
        build(Vae, VaeParams(), data)


def test_prior_samples_are_standard_normal(data):
    z = build(Vae, VaeParams(latent_dim=2), data).prior_sample(50_000, generator(0, "z"))
    torch.testing.assert_close(z.mean(0), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0), torch.ones(2), atol=0.03, rtol=0)
