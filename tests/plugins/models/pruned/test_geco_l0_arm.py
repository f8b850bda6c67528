"""The VAE with gates: its objective, its multiplier, and what it closes."""

import math

import pytest
import torch
from pruned_samples import geco, plane, points, step, train

from vaehub import Batch, generator
from vaehub.plugins.models.pruned.kernels import arm_gradient, gates_of, kl_per_latent, next_multiplier


def batch():
    return Batch(points().split("train").x[:16])


def met(**params):
    model = geco(**params).train()
    model.constraint_met.fill_(True)
    return model


def replayed(model):
    """The posterior, draw of z, and uniform draws of a loss."""
    noise = generator(0, "noise")
    posterior = model.encode(batch())
    return posterior, posterior.sample(noise), torch.rand(3, generator=noise)


def reconstruction(model, z):
    return (model.likelihood.mean(model.network.decoder(z)) - batch().x).square().sum(1).mean()


def test_the_gradient_of_the_gates_is_the_estimate_plus_that_of_their_number():
    model = met(gate_weight=0.7)
    model.multiplier.fill_(3.0)
    model.phi.data = torch.tensor([0.1, -0.05, 0.02])
    model.loss(batch(), step()).total.backward()
    with torch.no_grad():
        posterior, z, u = replayed(model)
        kl = kl_per_latent(posterior.mu, posterior.logvar)
        f1, f2 = (3 * reconstruction(model, z * g) + (g * kl).sum() for g in gates_of(u, model.logits))
        assert f1 != f2
        p = model.logits.sigmoid()
        expected = 7 * (arm_gradient(f1, f2, u) + 0.7 * p * (1 - p))
    torch.testing.assert_close(model.phi.grad, expected)


def test_the_objective_is_the_open_divergence_the_number_of_gates_and_the_weighted_violation():
    model = met(gate_weight=0.7, tau=1.5)
    model.multiplier.fill_(3.0)
    model.phi.data = torch.tensor([0.1, -0.05, 0.02])
    losses = model.loss(batch(), step())
    posterior, z, u = replayed(model)
    gates, _ = gates_of(u, model.logits)
    kl = kl_per_latent(posterior.mu, posterior.logvar)
    error, n_open = reconstruction(model, z * gates), model.logits.sigmoid().sum()
    torch.testing.assert_close(losses.total, (gates * kl).sum() + 0.7 * n_open + 3 * (error - 1.5))
    torch.testing.assert_close(losses.terms["kl"], kl.sum())
    torch.testing.assert_close(losses.terms["reconstruction"], error)
    assert losses.terms["n_open"] == n_open
    assert losses.terms["multiplier"] == 3


def test_in_evaluation_gates_are_those_that_are_probably_open():
    model = met().eval()
    model.phi.data = torch.tensor([0.1, -0.05, 0.02])
    losses = model.loss(batch(), step())
    _, z, _ = replayed(model)
    torch.testing.assert_close(losses.terms["reconstruction"], reconstruction(model, z * torch.tensor([1.0, 0.0, 1.0])))
    assert model.active.tolist() == [True, False, True]


def test_the_decoder_ignores_latents_whose_gates_are_closed():
    model = geco().eval()
    model.phi.data = torch.tensor([0.1, -0.1, 0.1])
    z = model.prior_sample(5, generator(0))
    moved = z.clone()
    moved[:, 1] += 10
    assert torch.equal(model.decode(moved), model.decode(z))
    moved[:, 0] += 10
    assert not torch.equal(model.decode(moved), model.decode(z))


def test_gates_stand_still_and_open_until_the_constraint_is_first_met():
    model = geco(tau=1e-6)
    before = model.phi.detach().clone()
    train(model)
    assert torch.equal(model.phi, before)
    assert model.notes() == ("3 of 3 gates are open, because the reconstruction term never met its bound of 1e-06",)
    losses = model.train().loss(batch(), step())
    torch.testing.assert_close(losses.terms["reconstruction"], reconstruction(model, replayed(model)[1]))


def test_gates_move_once_the_constraint_is_met():
    model = geco(tau=1000)
    before = model.phi.detach().clone()
    train(model, epochs=1)
    assert (model.phi != before).all()
    assert model.notes() == ("3 of 3 gates are open; the reconstruction term met its bound of 1000",)


@pytest.mark.parametrize(("tau", "rises"), [(0.1, True), (100.0, False)])
def test_the_multiplier_rises_while_the_constraint_is_violated_and_falls_while_it_holds(tau, rises):
    model = geco(tau=tau).train()
    losses = model.loss(batch(), step())
    model.step_ended(losses, step())
    violation = losses.terms["reconstruction"].item() - tau
    assert float(model.multiplier) == pytest.approx(math.exp(max(1e-3 * violation, -0.005)), rel=1e-6)
    assert (float(model.multiplier) > 1) == rises
    assert bool(model.constraint_met) != rises


def test_the_moving_average_begins_with_the_first_violation_and_then_keeps_its_share():
    model = geco(tau=0.1, averaging=0.9).train()
    losses = [model.loss(batch(), step()) for _ in range(2)]
    violations = [each.terms["reconstruction"].detach() - 0.1 for each in losses]
    model.step_ended(losses[0], step(0))
    torch.testing.assert_close(model.moving_average, violations[0])
    before = model.multiplier.clone()
    model.step_ended(losses[1], step(1))
    average = 0.9 * violations[0] + 0.1 * violations[1]
    torch.testing.assert_close(model.moving_average, average)
    torch.testing.assert_close(model.multiplier, next_multiplier(before, average, 1e-3))


def test_once_met_the_constraint_counts_as_met():
    model = met(tau=1e-6)
    model.step_ended(model.loss(batch(), step()), step())
    assert bool(model.constraint_met)


def test_most_superfluous_gates_of_a_plane_close_and_none_that_it_needs():
    data = plane()
    model = geco(data, hidden=(16,), latent_dim=6, tau=2.0)
    history = train(model, data, epochs=250, batch_size=64, learning_rate=5e-3)
    # Two are needed. A third survives with some seeds: gates close one by one, and a decoder may have shared its work.
    assert 2 <= model.active.sum() <= 3
    assert history[-1].losses["validation"]["reconstruction"] < 2.0
