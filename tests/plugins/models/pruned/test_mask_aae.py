"""The adversarial autoencoder with a mask: its losses, and who learns from which."""

import math

import pytest
import torch
from pruned_samples import mask, points, step, train

from vaehub import Batch, generator
from vaehub.core.recipe import TrainParams
from vaehub.plugins.models.pruned.kernels import gradient_penalty, masked_spread, polarisation, steps_to_move
from vaehub.plugins.models.pruned.mask import MaskAae
from vaehub.plugins.models.pruned.params import MaskAaeParams
from vaehub.training.loop import Loop


def batch():
    return Batch(points().split("train").x[:16])


def losses_of(model, index=0):
    """The losses of the critic, the encoder and the mask, by name."""
    found = model.loss(batch(), step())
    return {each.name: each.loss(batch(), step(index), found) for each in model.adversaries(1e-4)}


def test_the_mask_starts_between_zero_and_the_mask_of_five():
    m = mask(latent_dim=2000).m.detach()
    assert 0 <= float(m.min()) < 0.1
    assert 4.9 < float(m.max()) <= 5
    assert float(m.mean()) == pytest.approx(2.5, abs=4 * 5 / (12 * 2000) ** 0.5)


def test_the_autoencoder_learns_by_the_mean_error_of_a_value_and_the_spread_of_masked_codes():
    model = mask()
    losses = model.loss(batch(), step())
    z = model.encode(batch()).mu
    logits = model.network.decoder(z * model.mask)
    error = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch().x)
    torch.testing.assert_close(losses.total, error + 100 * masked_spread(z, model.mask))
    torch.testing.assert_close(losses.terms["reconstruction"], 6 * error)


def test_critic_and_encoder_play_against_each_other_on_masked_codes():
    model = mask()
    fake = model.encode(batch()).mu * model.mask
    noise = generator(0, "noise")
    real = torch.randn(16, 3, generator=noise) * model.mask
    penalty = gradient_penalty(model.critic, real, fake, noise)
    found = losses_of(model)
    torch.testing.assert_close(found["critic"], model.critic(fake).mean() - model.critic(real).mean() + 10 * penalty)
    torch.testing.assert_close(found["encoder"], -model.critic(fake).mean())


def test_the_mask_learns_by_reconstruction_distance_and_polarisation():
    model = mask(doubling_steps=10)
    a = model.mask
    fake, real = model.encode(batch()).mu * a, torch.randn(16, 3, generator=generator(0, "noise")) * a
    error = torch.nn.functional.binary_cross_entropy_with_logits(model.network.decoder(fake), batch().x)
    distance = model.critic(fake).mean() - model.critic(real).mean()
    # Three doublings of 2/3.
    expected = 1000 * error + (1 - distance) ** 2 + 16 / 3 * polarisation(a)
    torch.testing.assert_close(losses_of(model, index=30)["mask"], expected)


def test_the_critic_takes_five_steps_before_the_encoder_and_the_mask_take_theirs():
    found = [(each.name, each.n_steps) for each in mask().adversaries(1e-4)]
    assert found == [("critic", 5), ("encoder", 1), ("mask", 1)]


def test_autoencoder_and_mask_learn_five_times_as_fast():
    model = mask()
    rates = {each.name: each.optimiser.param_groups[0]["lr"] for each in model.adversaries(1e-4)}
    assert rates == pytest.approx({"critic": 1e-4, "encoder": 1e-4, "mask": 5e-4})
    assert model.optimiser(1e-4).param_groups[0]["lr"] == pytest.approx(5e-4)


def test_each_learns_by_its_own_loss_alone():
    model = mask()
    held = {"critic": list(model.critic.parameters()), "encoder": list(model.network.encoder.parameters())}
    held |= {"mask": [model.m]}
    for each in model.adversaries(1e-4):
        assert [id(w) for w in each.optimiser.param_groups[0]["params"]] == [id(w) for w in held[each.name]]
    assert not any(weight is model.m for group in model.optimiser(1e-4).param_groups for weight in group["params"])


def test_critic_and_mask_move_in_training():
    model = mask()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, epochs=1, learning_rate=1e-3)
    after = model.state_dict()
    assert not torch.equal(after["m"], before["m"])
    assert not torch.equal(after["critic.0.weight"], before["critic.0.weight"])


def test_the_weights_of_the_mask_are_never_negative():
    # Polarisation alone pulls a small mask to 0, and would pull it beyond.
    model = mask(mask_reconstruction_weight=0.0)
    model.m.data.fill_(0.001)
    seen = []
    train(model, learning_rate=0.001, on_epoch=lambda record: seen.append(model.m.min().item()))
    assert min(seen) == 0  # it was reached, and held


def test_the_decoder_ignores_latents_that_are_masked():
    model = mask().eval()
    model.m.data = torch.tensor([0.0, 5.0, 0.3])
    z = model.prior_sample(5, generator(0))
    moved = z.clone()
    moved[:, 0] += 10
    assert torch.equal(model.decode(moved), model.decode(z))
    assert model.active.tolist() == [False, True, True]
    assert model.notes() == ("2 of 3 latents have a mask of 0.1 or more",)


def test_a_latent_is_active_from_a_mask_of_a_tenth_or_what_is_asked_for():
    m = -torch.log1p(-torch.tensor([0.0999, 0.1001, 0.5]))
    for asked, expected in ({}, [False, True, True]), ({"active_from": 0.3}, [False, False, True]):
        model = mask(**asked)
        model.m.data = m.clone()
        assert model.active.tolist() == expected


def test_the_critic_has_four_layers_of_1024_with_relu():
    critic = MaskAae(MaskAaeParams(latent_dim=3), mask().network, points().spec).critic
    assert [layer.out_features for layer in critic if isinstance(layer, torch.nn.Linear)] == [1024] * 4 + [1]
    assert [type(layer) for layer in critic[1::2]] == [torch.nn.ReLU] * 4


def test_the_weight_of_polarisation_doubles_by_the_number_of_latents_unless_asked():
    losses = []
    for index in (0, 299, 300):
        model = mask()
        losses.append(losses_of(model, index)["mask"])
    a = mask().mask
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(losses[2] - losses[0], 2 / 3 * polarisation(a), rtol=1e-3, atol=1e-3)


def test_autoencoder_and_mask_slow_down_after_their_first_steps_and_the_others_do_not():
    data = points()  # four steps an epoch
    model = mask(data, slow_after=6, slow_factor=4.0)
    seen = []

    class Watched(Loop):
        def step(self, batch, losses, epoch):
            super().step(batch, losses, epoch)
            rates = {"autoencoder": self.optimiser} | {each.name: each.optimiser for each in self.adversaries}
            seen.append({name: each.param_groups[0]["lr"] for name, each in rates.items()})

    loop = Watched(model, data, TrainParams(epochs=2, batch_size=13, learning_rate=1e-4), 0)
    for _ in range(2):
        epoch = loop.begin_epoch()
        for rows in epoch.batches:
            batch = loop.train.batch(rows)
            losses = model.loss(batch, loop.now(epoch))
            losses.total.backward()
            loop.step(batch, losses, epoch)
        loop.end_epoch(epoch)
    assert len(seen) == 8
    first = {"autoencoder": 5e-4, "critic": 1e-4, "encoder": 1e-4, "mask": 5e-4}
    later = first | {"autoencoder": 1.25e-4, "mask": 1.25e-4}
    assert all(rates == pytest.approx(first) for rates in seen[:5])
    assert all(rates == pytest.approx(later) for rates in seen[5:])


def test_a_training_that_is_too_short_for_the_mask_says_how_many_steps_it_takes():
    model = mask(slow_factor=1.0)
    model.m.data.fill_(5.0)
    train(model, learning_rate=0.01, epochs=1)
    # From 5 to -log(0.9), at 0.05 a step: 98 steps, less by those that are longer because RMSprop begins.
    assert model.notes() == (
        "3 of 3 latents have a mask of 0.1 or more, which 4 steps are too few to decide: a mask moves by about its "
        "learning rate a step, and a 'train.learning_rate' of 0.01 takes 30 steps to remove any latent",
    )
    enough = mask(slow_factor=1.0)
    train(enough, learning_rate=0.01, epochs=25)
    assert enough.notes() == (f"{int(enough.active.sum())} of 3 latents have a mask of 0.1 or more",)


def test_the_steps_that_are_said_are_those_a_mask_takes():
    model = mask(latent_dim=1, slow_after=50)
    model.m.data.fill_(5.0)
    optimiser = model.adversaries(0.001)[2].optimiser
    n_steps = 0
    while bool(model.active.all()):
        optimiser.zero_grad()
        model.m.sum().backward()  # pulls with the same strength all the way
        optimiser.step()
        n_steps += 1
    assert n_steps == pytest.approx(steps_to_move(5 + math.log(0.9), 0.005, 50, 5.0), abs=1)
    assert n_steps > 1000


def test_codes_have_no_variance_and_no_mask():
    model = mask().eval()
    found = model.encode(batch())
    assert found.logvar is None
    torch.testing.assert_close(found.mu, model.network.encoder(batch().x))
