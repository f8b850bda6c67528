"""Opponents, closed forms, what follows a step, and snapshots on the way."""

import pytest
import torch
from checkpoints import Memory
from training_samples import Noisy, data, losses, stopped, train, weights

from vaehub import Adversary, Losses, TrainParams
from vaehub.core.random import seeded_construction
from vaehub.training.fit import fit


class Opposed(Noisy):
    """Has an adversary that learns the mean of z, from what the objective kept."""

    def __init__(self, spec, n_steps=1):
        super().__init__(spec)
        self.guess = torch.nn.Parameter(torch.zeros(2))
        self.n_steps = n_steps
        self.gradients, self.kept = [], []

    def optimiser(self, learning_rate):
        return torch.optim.Adam([*self.inside.parameters(), *self.outside.parameters()], lr=learning_rate, fused=True)

    def adversaries(self, learning_rate):
        return [Adversary("guess", torch.optim.SGD([self.guess], lr=0.1), self.guessing, self.n_steps)]

    def guessing(self, batch, step, losses):
        return (losses.kept["z"] - self.guess).square().sum(1).mean()

    def loss(self, batch, step):
        posterior = self.encode(batch)
        z = posterior.sample(step.generator)
        if self.training:
            self.gradients.append(self.guess.requires_grad)
        error = (self.decode(z) - batch.x).square().sum(1).mean() + (z - self.guess).square().sum(1).mean()
        return Losses(error, {"reconstruction": error}, kept={"z": z.detach()})


def opposed(**more):
    with seeded_construction(0):
        return Opposed(data().spec, **more)


def test_an_opponent_stands_still_while_the_objective_steps_and_learns_after():
    model, history = train(built=opposed())
    assert set(model.gradients) == {False}
    assert model.guess.requires_grad
    assert bool((model.guess != 0).all())
    assert "guess" in history[0].losses["train"]
    assert "guess" not in history[0].losses["validation"]


def test_an_opponent_may_take_several_steps_for_one():
    once, many = train(built=opposed(), epochs=1)[0], train(built=opposed(n_steps=5), epochs=1)[0]
    assert not torch.equal(once.guess, many.guess)


def test_an_opponent_resumes_with_the_same_bits():
    memory = Memory()
    stopped(opposed(), memory, 1)
    resumed, _ = train(built=opposed(), checkpoint=memory)
    whole, _ = train(built=opposed())
    assert torch.equal(weights(resumed), weights(whole))


class Counting(Noisy):
    def __init__(self, spec):
        super().__init__(spec)
        self.register_buffer("largest", torch.zeros(()))
        self.indices = []

    def step_ended(self, losses, step):
        self.indices.append(step.index)
        self.largest.copy_(torch.maximum(self.largest, losses.total.detach()))


def test_every_step_is_followed_once_with_its_losses():
    with seeded_construction(0):
        model = Counting(data().spec)
    _, history = train(built=model, epochs=2)
    assert model.indices == list(range(len(model.indices)))
    assert float(model.largest) >= max(each["train"]["total"] for each in losses(history))


class Solved(Noisy):
    """Knows the answer."""

    def solve(self, epoch):
        with torch.no_grad():
            self.outside.weight.zero_()
            self.outside.bias.copy_(epoch.data.x.mean(dim=0))
        return True


def solved():
    with seeded_construction(0):
        return Solved(data().spec)


def test_a_closed_form_takes_no_steps_and_leaves_one_record():
    model, history = train(built=solved(), epochs=50)
    assert not model.seen
    assert len(history) == 1
    assert set(history[0].losses) == {"train", "validation"}
    x = data().split("train").x
    expected = (x - x.mean(dim=0)).square().sum(1).mean()
    assert history[0].losses["train"]["total"] == pytest.approx(float(expected), rel=1e-5)


def test_no_epochs_leave_the_weights_as_they_were_made():
    with seeded_construction(0):
        before = weights(Noisy(data().spec))
    model, history = train(epochs=0)
    assert torch.equal(weights(model), before)
    assert not list(history)
    assert model.ended == 1


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_snapshot_is_what_a_shorter_training_ends_with(keep):
    taken = {}
    at = {n: lambda model, fitted, n=n: taken.update({n: (weights(model), losses(fitted.history))}) for n in (1, 3)}
    with seeded_construction(0):
        model = Noisy(data().spec)
    params = {"batch_size": 8, "learning_rate": 0.05, "keep": keep}
    fit(model, data(), TrainParams(epochs=5, **params), seed=0, snapshots=at)
    for n, (found, history) in taken.items():
        shorter, expected = train(epochs=n, **params)
        assert torch.equal(found, weights(shorter))
        assert history == losses(expected)
    assert set(taken) == {1, 3}


def test_snapshots_change_nothing_in_the_training():
    with seeded_construction(0):
        model = Noisy(data().spec)
    params = TrainParams(epochs=4, batch_size=8, learning_rate=0.01)
    fit(model, data(), params, seed=0, snapshots={2: lambda copied, fitted: copied.inside.weight.data.zero_()})
    assert torch.equal(weights(model), weights(train()[0]))
