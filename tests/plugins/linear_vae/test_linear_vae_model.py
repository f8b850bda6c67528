"""The linear VAE as a model."""

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import Batch, Dataset, Epoch, Hub, Network, Step, TrainParams, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.linear_vae.kernels import linear_elbo, ppca_solution
from vaehub.plugins.linear_vae.model import LinearVae
from vaehub.plugins.linear_vae.params import LinearVaeParams
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.params import LinearParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit


@pytest.fixture
def x(oracles):
    with np.load(oracles / "ppca.npz") as file:
        return file["X"]


def build(data, network=None, **params):
    params = LinearVaeParams(**{"latent_dim": 3, **params})
    with seeded_construction(0):
        network = network or Linear(LinearParams(), data.spec, params.latent_dim, 1)
        return LinearVae(params, network, data.spec)


def trained(data, *, epochs, learning_rate, **params):
    model = build(data, **params)
    data = data.with_validation(0, generator(0))
    settings = TrainParams(epochs=epochs, batch_size=len(data), learning_rate=learning_rate)
    return model, fit(model, data, settings, seed=0).history


@torch.no_grad()
def elbo(model, data):
    parts = model.loss(Batch(data.x), Step(0, 0, generator(0))).terms
    return -float(parts["reconstruction"] + parts["kl"])


def test_the_closed_form_has_the_likelihood_of_ppca_after_one_epoch(x, oracles):
    data = Dataset(x)
    model, history = trained(data, epochs=50, learning_rate=0.1, solution="closed_form")
    best = Dataset(x).x.double()
    weights, bias, gamma = ppca_solution(best.mean(0), best.T.cov(correction=0), 3)
    density = torch.distributions.MultivariateNormal(bias, weights @ weights.T + gamma * torch.eye(8)).log_prob(best)
    assert len(history) == 1
    # Weights of 7 digits, in a sum of squares of 58 over 0.16.
    assert elbo(model, data) == pytest.approx(float(density.mean()), rel=1e-4)
    assert elbo(model, data) == pytest.approx(np.load(oracles / "ppca.npz")["mean_loglik"].item(), rel=1e-4)


@pytest.mark.slow
def test_gradient_steps_end_where_the_closed_form_is(x):
    data = Dataset(x).with_validation(0, generator(0))
    best = elbo(trained(data, epochs=1, learning_rate=0.1, solution="closed_form")[0], data)
    model = build(data)
    assert elbo(model, data) < best - 20
    for epochs, learning_rate in ((1200, 0.05), (500, 0.005)):
        fit(model, data, TrainParams(epochs=epochs, batch_size=400, learning_rate=learning_rate), seed=0)
    # The rotation that makes latents independent is found last and slowly: Bao et al. 2020.
    assert best - 0.05 < elbo(model, data) < best + 1e-3


@pytest.mark.parametrize("params", [{"beta": 4}, {"decoder_variance": 2.0}, {"beta": 30}])
def test_no_gradient_is_left_at_the_closed_form(x, params):
    data = Dataset(x)
    model, _ = trained(data, epochs=1, learning_rate=0.1, solution="closed_form", **params)
    model.double()
    model.loss(Batch(data.x.double()), Step(0, 0, generator(0))).total.backward()
    for weight in model.parameters():
        torch.testing.assert_close(weight.grad, torch.zeros_like(weight), atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_bound_is_that_of_many_draws(x):
    data = Dataset(x).first(50)
    model = build(data, decoder_variance=0.7)
    posterior = model.encode(Batch(data.x))
    noise = generator(0, "draws")
    z = torch.stack([posterior.sample(noise) for _ in range(4000)])
    means = model.decode(z.flatten(0, 1)).reshape(4000, 50, 8)
    density = torch.distributions.Normal(means, 0.7**0.5).log_prob(data.x).sum(2).mean()
    losses = model.loss(Batch(data.x), Step(0, 0, generator(0)))
    assert -float(density) == pytest.approx(float(losses.terms["reconstruction"]), rel=5e-3)
    assert float(losses.total) == pytest.approx(float(losses.terms["reconstruction"] + losses.terms["kl"]))


def test_beta_weighs_the_divergence_alone(x):
    data = Dataset(x)
    plain, weighted = (build(data, beta=beta).loss(Batch(data.x), Step(0, 0, generator(0))) for beta in (1, 5))
    torch.testing.assert_close(weighted.total - plain.total, 4 * plain.terms["kl"])


def test_the_loss_is_the_bound_of_its_posterior(x):
    data = Dataset(x)
    model = build(data)
    posterior = model.encode(Batch(data.x))
    assert torch.equal(posterior.logvar[0], posterior.logvar[-1])
    decoder = model.network.decoder[0]
    found = linear_elbo(data.x, decoder.weight, decoder.bias, 1.0, posterior.mu, posterior.logvar[0].exp())
    torch.testing.assert_close(model.loss(Batch(data.x), Step(0, 0, generator(0))).total, -found.mean())


@torch.no_grad()
def test_reconstructions_are_images_and_not_bounded():
    data = Dataset(torch.rand(30, 1, 4, 4, generator=generator(0, "x")))
    model = build(data)
    found = model.decode(100 * torch.eye(3))
    assert found.shape == (3, 1, 4, 4)
    assert float(found.min()) < 0


def test_images_are_solved_as_the_vectors_of_their_values():
    data = Dataset(torch.rand(2500, 1, 3, 3, generator=generator(0, "x")))
    images, _ = trained(data, epochs=1, learning_rate=0.1, solution="closed_form")
    vectors, _ = trained(Dataset(data.x.flatten(1)), epochs=1, learning_rate=0.1, solution="closed_form")
    assert all(torch.equal(a, b) for a, b in zip(images.parameters(), vectors.parameters(), strict=True))


def test_prior_samples_are_standard_normal(x):
    z = build(Dataset(x)).prior_sample(50_000, generator(0, "z"))
    torch.testing.assert_close(z.T.cov(), torch.eye(3), atol=0.03, rtol=0)


def test_a_closed_form_is_trained_and_measured_by_name():
    hub = Hub.open("store", device="cpu")
    settings = {"model.solution": "closed_form", "model.latent_dim": 4, "train.epochs": 30}
    found = hub.run("linear_vae", "elbo", network="linear", settings=settings)[0]
    assert found.training.status == "done"
    [epoch] = hub.store.epochs(found.training.id)
    assert found["elbo"] == pytest.approx(-epoch["validation"]["total"], rel=1e-5)


# What is refused


def test_a_network_with_hidden_layers_is_refused(x):
    data = Dataset(x)
    words = r"'linear_vae' needs a linear network, and this one has hidden layers; add '--network linear'"
    with pytest.raises(VaehubError, match=words):
        build(data, Mlp(MlpParams(hidden=(8,)), data.spec, 3, 1))
    bent = Network(LinearParams(), data.spec, 3, 1)
    bent.encoder, bent.decoder = nn.Linear(8, 3), nn.Sequential(nn.Linear(3, 8), nn.Sigmoid())
    with pytest.raises(VaehubError, match=words):
        build(data, bent)


def test_any_network_of_one_map_each_way_will_do(x):
    data = Dataset(x)
    plain = Network(LinearParams(), data.spec, 3, 1)
    plain.encoder, plain.decoder = nn.Linear(8, 3), nn.Sequential(nn.Sequential(nn.Linear(3, 8)))
    assert build(data, plain).decode(torch.zeros(2, 3)).shape == (2, 8)


def test_maps_without_a_constant_are_refused(x):
    data = Dataset(x)
    with pytest.raises(VaehubError, match=r"with a constant in each map, and this one has none; add '-s network.bias"):
        build(data, Linear(LinearParams(bias=False), data.spec, 3, 1))


def test_as_many_latents_as_values_are_refused(x):
    with pytest.raises(
        VaehubError, match=r"needs fewer latents .* got 8 latents and 8 values; '-s model.latent_dim=7'"
    ):
        build(Dataset(x), latent_dim=8)


def test_too_few_observations_for_a_variance_are_refused(x):
    data = Dataset(x[:4])
    model = build(data, solution="closed_form")
    with pytest.raises(VaehubError, match="has no optimum here, because 3 latents explain the 4 observations wholly"):
        model.solve(Epoch(0, data, generator(0)))
    assert build(data, solution="closed_form", decoder_variance=0.1).solve(Epoch(0, data, generator(0)))


def test_seeds_together_take_no_steps_where_the_closed_form_was_asked_for(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    settings = {"model.solution": "closed_form", "train.together": True}
    found = hub.run("linear_vae", "elbo", network="linear", seed=[0, 1], settings=settings)
    assert [len(hub.store.epochs(each.training.id)) for each in found] == [1, 1]
    alone = {"model.solution": "closed_form"}
    expected = hub.run("linear_vae", "elbo", network="linear", seed=[0, 1], settings=alone)
    assert [each["elbo"] for each in found] == [each["elbo"] for each in expected]


def test_without_being_asked_for_there_is_no_closed_form(x):
    model = build(Dataset(x))
    before = [weight.clone() for weight in model.parameters()]
    assert not model.solve(Epoch(0, Dataset(x), generator(0)))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
