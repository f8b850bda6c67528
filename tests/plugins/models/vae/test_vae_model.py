"""VAE and beta-VAE."""

import pytest
import torch

from vaehub import Batch, Dataset, Step, VaehubError, generator
from vaehub.core.params import parse
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.vae.ae import Ae
from vaehub.plugins.models.vae.kernels import covariance_penalties, total_correlation
from vaehub.plugins.models.vae.model import AnnealedVae, BetaTcVae, BetaVae, DipVaeI, DipVaeII, Vae
from vaehub.plugins.models.vae.params import (
    AnnealedVaeParams,
    BetaTcVaeParams,
    BetaVaeParams,
    DipVaeIIParams,
    DipVaeIParams,
    VaeParams,
)
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams


@pytest.fixture
def data():
    return Dataset(torch.rand(10, 1, 4, 4, generator=generator(0, "x")))


def build(kind, params, data):
    with seeded_construction(0):
        return kind(params, Mlp(MlpParams(hidden=(8,)), data.spec, params.latent_dim, kind.n_statistics), data.spec)


def loss(model, data):
    return model.loss(Batch(data.x), Step(0, 0, generator(0, "noise")))


def test_total_of_a_vae_is_the_sum_of_its_parts(data):
    losses = loss(build(Vae, VaeParams(latent_dim=3), data), data)
    torch.testing.assert_close(losses.total, losses.terms["reconstruction"] + losses.terms["kl"])


def test_beta_weighs_the_divergence_alone(data):
    plain = loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=1), data), data)
    weighted = loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=5), data), data)
    torch.testing.assert_close(weighted.terms["kl"], plain.terms["kl"])
    torch.testing.assert_close(weighted.total - plain.total, 4 * plain.terms["kl"])


def test_beta_of_one_is_the_plain_vae(data):
    plain = loss(build(Vae, VaeParams(latent_dim=3), data), data)
    assert torch.equal(loss(build(BetaVae, BetaVaeParams(latent_dim=3, beta=1), data), data).total, plain.total)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Vae, VaeParams),
        (BetaVae, BetaVaeParams),
        (AnnealedVae, AnnealedVaeParams),
        (BetaTcVae, BetaTcVaeParams),
        (DipVaeI, DipVaeIParams),
        (DipVaeII, DipVaeIIParams),
    ],
)
def test_the_weight_of_the_regularisation_weighs_all_but_the_reconstruction(data, kind, params):
    plain = loss(build(kind, params(latent_dim=3), data), data)
    weighted = loss(build(kind, params(latent_dim=3, regularisation_weight=0.25), data), data)
    added = plain.total - plain.terms["reconstruction"]
    torch.testing.assert_close(weighted.total - weighted.terms["reconstruction"], 0.25 * added)
    for name, term in plain.terms.items():
        torch.testing.assert_close(weighted.terms[name], term)


def test_the_weight_of_the_regularisation_changes_no_identity_where_it_is_1():
    assert VaeParams().identity() == VaeParams(regularisation_weight=1.0).identity()
    assert "regularisation_weight" not in VaeParams().identity()
    assert VaeParams(regularisation_weight=0.5).identity()["regularisation_weight"] == 0.5


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


SAME_AS_VAE = [
    (BetaVae, BetaVaeParams(latent_dim=3, beta=1)),
    (BetaTcVae, BetaTcVaeParams(latent_dim=3, beta=1)),
    (DipVaeI, DipVaeIParams(latent_dim=3, lambda_off_diagonal=0, lambda_diagonal=0)),
    (DipVaeII, DipVaeIIParams(latent_dim=3, lambda_off_diagonal=0, lambda_diagonal=0)),
    (AnnealedVae, AnnealedVaeParams(latent_dim=3, max_capacity=0, gamma=1)),
]


@pytest.mark.parametrize(("kind", "params"), SAME_AS_VAE)
def test_without_its_own_weight_each_is_the_plain_vae_bit_for_bit(data, kind, params):
    plain = loss(build(Vae, VaeParams(latent_dim=3), data), data)
    assert torch.equal(loss(build(kind, params, data), data).total, plain.total)


def posterior_and_draw(model, data):
    posterior = model.encode(Batch(data.x))
    return posterior, posterior.sample(generator(0, "noise"))


def test_the_total_correlation_of_the_batch_is_weighed(data):
    model = build(BetaTcVae, BetaTcVaeParams(latent_dim=3, beta=5), data)
    losses = loss(model, data)
    posterior, z = posterior_and_draw(model, data)
    expected = total_correlation(z, posterior.mu, posterior.logvar)
    torch.testing.assert_close(losses.terms["total_correlation"], expected)
    torch.testing.assert_close(losses.total, losses.terms["reconstruction"] + losses.terms["kl"] + 4 * expected)


@pytest.mark.parametrize(("kind", "params"), [(DipVaeI, DipVaeIParams), (DipVaeII, DipVaeIIParams)])
def test_covariances_are_weighed(data, kind, params):
    model = build(kind, params(latent_dim=3, lambda_off_diagonal=2, lambda_diagonal=7), data)
    losses = loss(model, data)
    posterior, _ = posterior_and_draw(model, data)
    off, on = covariance_penalties(posterior.mu, posterior.logvar if kind is DipVaeII else None)
    torch.testing.assert_close(losses.total, losses.terms["reconstruction"] + losses.terms["kl"] + 2 * off + 7 * on)


@pytest.mark.parametrize(("step", "reached"), [(0, 0.0), (50, 5.0), (100, 10.0), (500, 10.0)])
def test_the_divergence_is_held_at_the_capacity_of_the_step(data, step, reached):
    model = build(AnnealedVae, AnnealedVaeParams(latent_dim=3, max_capacity=10, capacity_steps=100, gamma=3), data)
    losses = model.loss(Batch(data.x), Step(step, 0, generator(0, "noise")))
    distance = (losses.terms["kl"] - reached).abs()
    torch.testing.assert_close(losses.total, losses.terms["reconstruction"] + 3 * distance)


def test_an_autoencoder_has_codes_without_variance_and_no_noise(data):
    model = build(Ae, VaeParams(latent_dim=3), data)
    posterior = model.encode(Batch(data.x))
    assert posterior.mu.shape == (10, 3)
    assert posterior.logvar is None
    first, second = (model.loss(Batch(data.x), Step(0, 0, generator(seed))) for seed in (0, 1))
    assert torch.equal(first.total, second.total)
    assert set(first.terms) == {"reconstruction"}
    assert torch.equal(first.total, first.terms["reconstruction"])


@pytest.mark.parametrize(("params", "ratio"), [(DipVaeIParams, 10), (DipVaeIIParams, 1)])
def test_the_weight_on_the_diagonal_follows_the_one_off_it_unless_it_is_given(params, ratio):
    assert params().lambda_diagonal == ratio * 10
    assert params(lambda_off_diagonal=4).lambda_diagonal == ratio * 4
    assert params(lambda_off_diagonal="4").lambda_diagonal == ratio * 4
    assert params(lambda_off_diagonal=4, lambda_diagonal=7).lambda_diagonal == 7
    # What says it and what does not are one recipe.
    assert params(lambda_off_diagonal=4) == params(lambda_off_diagonal=4, lambda_diagonal=4 * ratio)


def test_a_weight_that_is_no_number_is_reported_by_its_own_name():
    with pytest.raises(VaehubError, match=r"'lambda_off_diagonal' is 'strong'"):
        parse(DipVaeIIParams, {"lambda_off_diagonal": "strong"}, owner="model 'dip_vae_ii'")
