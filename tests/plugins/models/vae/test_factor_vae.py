"""FactorVAE."""

import math

import numpy as np
import pytest
import torch
from checkpoints import Interrupted, Memory

from vaehub import Batch, Dataset, Hub, Losses, Step, TrainParams, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.vae.factor import FactorVae
from vaehub.plugins.models.vae.kernels import permuted_latents
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import FactorVaeParams, VaeParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit
from vaehub.training.loop import Loop

SMALL = {"latent_dim": 3, "discriminator_layers": 2, "discriminator_width": 16}


@pytest.fixture
def data():
    return Dataset(torch.rand(40, 1, 4, 4, generator=generator(0, "x"))).with_validation(0.2, generator(0, "split"))


def build(kind, params, data):
    with seeded_construction(0):
        return kind(params, Mlp(MlpParams(hidden=(8,)), data.spec, params.latent_dim, kind.n_statistics), data.spec)


def factor_vae(data, **more):
    return build(FactorVae, FactorVaeParams(**{**SMALL, **more}), data)


def step():
    return Step(0, 0, generator(0, "noise"))


def copied(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(module, before):
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_permuting_keeps_the_values_of_each_latent_and_breaks_rows():
    rows = np.arange(500.0)
    found = permuted_latents(np.stack(4 * [rows], axis=1), generator(0))
    np.testing.assert_array_equal(np.sort(found, axis=0), np.stack(4 * [rows], axis=1))
    # Each latent has an order of its own: of 500 values, one is expected to meet itself, or its equal in another.
    assert ((found == rows[:, None]).sum(axis=0) < 10).all()
    assert all((found[:, i] == found[:, j]).sum() < 10 for i in range(4) for j in range(i))


def test_permuting_makes_dependent_latents_independent(rng):
    x = rng.normal(size=5000)
    found = permuted_latents(np.stack([x, x], axis=1), generator(0))
    # Five standard errors of a correlation.
    assert abs(np.corrcoef(found.T)[0, 1]) < 5 / math.sqrt(5000)


def test_the_same_generator_permutes_alike(rng):
    z = rng.normal(size=(50, 3))
    np.testing.assert_array_equal(permuted_latents(z, generator(3)), permuted_latents(z, generator(3)))
    np.testing.assert_array_equal(permuted_latents(z[:1], generator(3)), z[:1])


def test_the_discriminator_is_that_of_the_paper(data):
    model = build(FactorVae, FactorVaeParams(latent_dim=3), data)
    shapes = [tuple(weight.shape) for weight in model.discriminator.parameters() if weight.ndim == 2]
    assert shapes == [(1000, 3), *5 * [(1000, 1000)], (2, 1000)]
    [adversary] = model.adversaries(0.1)
    group = adversary.optimiser.param_groups[0]
    assert (adversary.name, group["lr"], group["betas"]) == ("discriminator", 1e-4, (0.5, 0.9))


def test_without_a_weight_it_is_the_plain_vae_bit_for_bit(data):
    plain = build(Vae, VaeParams(latent_dim=3), data).loss(Batch(data.x), step())
    assert torch.equal(factor_vae(data, gamma=0).loss(Batch(data.x), step()).total, plain.total)


def test_the_log_ratio_of_the_discriminator_is_weighed(data):
    model = factor_vae(data, gamma=7)
    losses = model.loss(Batch(data.x), step())
    z = model.encode(Batch(data.x)).sample(step().generator)
    logits = model.discriminator(z)
    expected = (logits[:, 0] - logits[:, 1]).mean()
    torch.testing.assert_close(losses.terms["total_correlation"], expected)
    torch.testing.assert_close(losses.total, losses.terms["reconstruction"] + losses.terms["kl"] + 7 * expected)
    assert torch.equal(losses.kept["z"], z)
    assert not losses.kept["z"].requires_grad


def test_a_vae_without_an_opponent_keeps_no_draws(data):
    assert not build(Vae, VaeParams(latent_dim=3), data).loss(Batch(data.x), step()).kept


def test_the_discriminator_pays_half_the_cross_entropy_of_each_class(data):
    model = factor_vae(data)
    losses = model.loss(Batch(data.x), step())
    found = model.discriminator_loss(Batch(data.x), step(), losses)
    z = losses.kept["z"]
    real = model.discriminator(z).log_softmax(1)[:, 0].mean()
    permuted = model.discriminator(permuted_latents(z, step().generator)).log_softmax(1)[:, 1].mean()
    torch.testing.assert_close(found, -0.5 * (real + permuted))


def test_the_discriminator_begins_with_a_guess(data):
    model = build(FactorVae, FactorVaeParams(latent_dim=3), data)
    loss = model.discriminator_loss(Batch(data.x), step(), model.loss(Batch(data.x), step()))
    assert float(loss.detach()) == pytest.approx(math.log(2), abs=0.01)


def test_a_step_of_the_objective_leaves_the_discriminator_alone(data):
    model = factor_vae(data)
    optimiser, before, network = model.optimiser(0.1), copied(model.discriminator), copied(model.network)
    model.loss(Batch(data.x), step()).total.backward()
    optimiser.step()
    assert same(model.discriminator, before)
    assert not same(model.network, network)


def test_a_step_of_the_discriminator_leaves_the_vae_alone(data):
    model = factor_vae(data)
    [adversary] = model.adversaries(0.1)
    before, network = copied(model.discriminator), copied(model.network)
    adversary.loss(Batch(data.x), step(), model.loss(Batch(data.x), step())).backward()
    adversary.optimiser.step()
    assert same(model.network, network)
    assert all(weight.grad is None for weight in model.network.parameters())
    assert not same(model.discriminator, before)


def test_a_training_moves_both(data):
    model = factor_vae(data)
    before, network = copied(model.discriminator), copied(model.network)
    history = fit(model, data, TrainParams(epochs=1, batch_size=16), seed=0).history
    assert not same(model.discriminator, before)
    assert not same(model.network, network)
    assert set(history[0].losses["train"]) == {"total", "reconstruction", "kl", "total_correlation", "discriminator"}


def test_a_learned_variance_learns_beside_the_network(data):
    model = factor_vae(data, likelihood="gaussian", decoder_variance="learned")
    fit(model, data, TrainParams(epochs=1, batch_size=16), seed=0)
    assert float(model.likelihood.log_variance.detach()) != 0


def test_a_discriminator_learns_to_tell_dependent_latents():
    # The two latents are the same: from their permutation they can be told.
    x = torch.randn(512, 1, generator=generator(0, "x"))
    data = Dataset(torch.cat([x, x], dim=1))
    model = build(FactorVae, FactorVaeParams(**SMALL | {"latent_dim": 2}, likelihood="squared_error"), data)
    optimiser = torch.optim.Adam(model.discriminator.parameters(), lr=0.01)
    losses = Losses(torch.zeros(()), {}, kept={"z": data.x})
    noise = generator(0, "noise")
    found = []
    for _ in range(300):
        loss = model.discriminator_loss(Batch(data.x), Step(0, 0, noise), losses)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    logits = model.discriminator(data.x)
    assert found[-1] < 0.5 < found[0]
    assert float((logits[:, 0] - logits[:, 1]).mean().detach()) > 0.5


def test_a_resumed_training_ends_with_the_bits_of_one_that_never_stopped(data):
    params = TrainParams(epochs=4, batch_size=8, learning_rate=0.01)
    whole = factor_vae(data)
    history = fit(whole, data, params, seed=0).history
    memory = Memory()

    def interrupt(record):
        if record.index == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(factor_vae(data), data, params, seed=0, checkpoint=memory, on_epoch=interrupt)
    resumed = factor_vae(data)
    found = fit(resumed, data, params, seed=0, checkpoint=memory).history
    assert same(resumed, copied(whole))
    assert [record.losses for record in found] == [record.losses for record in history]
    # Both optimisers were kept: that of the network, and that of the discriminator.
    assert any(name.startswith("adversary-discriminator/") for name in memory.state.tensors)
    assert Loop(factor_vae(data), data, params, 0).frozen_weights


def test_its_loss_falls_on_digits():
    hub = Hub.open("store", device="cpu")
    settings = {"model.latent_dim": 4, "train.epochs": 4, "model.discriminator_width": 50}
    recipe = hub.recipe("factor_vae", settings=settings)
    assert hub.train(recipe).status == "done"
    losses = [epoch["train"] for epoch in hub.store.epochs(recipe.id)]
    assert losses[-1]["total"] < 0.95 * losses[0]["total"]
    assert losses[0]["discriminator"] == pytest.approx(math.log(2), abs=0.02)
