"""Trainings whose length is given in steps, and models on the way between steps."""

import pytest
import torch
from checkpoints import Interrupted, Memory
from training_samples import Noisy, data, losses, model, normed, train, weights

from vaehub import VaehubError
from vaehub.core.params import parse
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.training.ensemble import CannotBeBatched, EnsembleMember, fit_together
from vaehub.training.fit import fit

PER_EPOCH = 4  # 33 observations in batches of 8, none of one alone


class Dropped(Noisy):
    """Drops inputs at random, by PyTorch's own generator."""

    def encode(self, batch):
        dropped = torch.nn.functional.dropout(batch.x, 0.5, self.training)
        return super().encode(type(batch)(dropped, batch.labels, batch.factors))


def dropped():
    with seeded_construction(0):
        return Dropped(data().spec)


def after(n, built=None, **more):
    return train(built=built, steps=n, **{"epochs": 0, **more})


@pytest.mark.parametrize("make", [model, normed, dropped])
@pytest.mark.parametrize("epochs", [1, 3])
def test_whole_epochs_of_steps_are_the_training_of_so_many_epochs(make, epochs):
    in_steps, history = after(PER_EPOCH * epochs, make())
    in_epochs, expected = train(built=make(), epochs=epochs)
    assert torch.equal(weights(in_steps), weights(in_epochs))
    assert losses(history) == losses(expected)


@pytest.mark.parametrize("more", [{}, {"keep": "best"}, {"lr_patience": 0, "learning_rate": 0.5}])
@pytest.mark.parametrize("make", [model, normed, dropped])
def test_what_is_passed_after_n_steps_is_the_training_of_n_steps_bit_for_bit(make, more):
    kept = {}
    params = TrainParams(**({"steps": 11, "batch_size": 8, "learning_rate": 0.01} | more))
    snapshots = {n: lambda copied, fitted, n=n: kept.update({n: (copied, fitted)}) for n in (1, 4, 6, 8, 10)}
    final = make()
    fitted = fit(final, data(), params, seed=0, snapshots=snapshots)
    assert sorted(kept) == [1, 4, 6, 8, 10]
    for n, (copied, passed) in kept.items():
        alone, history = after(n, make(), **more)
        assert torch.equal(weights(copied), weights(alone)), n
        assert losses(passed.history) == losses(history), n
        assert len(history) == -(-n // PER_EPOCH)
    # And the copies took nothing from the training itself.
    plain, history = after(11, make(), **more)
    assert torch.equal(weights(final), weights(plain))
    assert losses(fitted.history) == losses(history)


def test_the_last_epoch_holds_the_steps_that_are_left():
    built, history = after(6)
    assert len(history) == 2
    noted = {(epoch, step) for epoch, step, _ in built.seen}
    assert {step for _, step in noted} <= set(range(7))
    assert max(step for epoch, step in noted) >= 5


@pytest.mark.parametrize("stop", [0, 1])
def test_a_training_in_steps_that_stopped_goes_on_with_the_same_bits_and_snapshots(stop):
    def run(memory=None, on_epoch=None):
        kept = {}
        built = normed()
        snapshots = {n: lambda copied, fitted, n=n: kept.update({n: weights(copied)}) for n in (2, 7, 9)}
        params = TrainParams(steps=10, batch_size=8, learning_rate=0.01)
        fit(built, data(), params, seed=0, checkpoint=memory, on_epoch=on_epoch, snapshots=snapshots)
        return weights(built), kept

    def interrupt(record):
        if record.index == stop:
            raise Interrupted

    whole, every = run()
    memory = Memory()
    with pytest.raises(Interrupted):
        run(memory, interrupt)
    resumed, rest = run(memory)
    assert torch.equal(resumed, whole)
    assert set(rest) == {n for n in every if n > PER_EPOCH * (stop + 1)}
    assert all(torch.equal(rest[n], every[n]) for n in rest)


def test_steps_and_epochs_exclude_each_other():
    with pytest.raises(VaehubError, match="'steps' is 5 and 'epochs' is 100, and a training has one length"):
        parse(TrainParams, {"steps": 5, "epochs": 100}, owner="training")
    assert parse(TrainParams, {"steps": "5", "epochs": "0"}, owner="training").length == 5
    assert parse(TrainParams, {"steps": 5}, owner="training") == parse(
        TrainParams, {"steps": 5, "epochs": 0}, owner="t"
    )
    assert parse(TrainParams, {"epochs": 7}, owner="training").length == 7


def test_steps_that_are_not_given_leave_the_identity_as_it_was():
    assert "steps" not in TrainParams(epochs=3).identity()
    assert TrainParams(steps=3).identity()["steps"] == 3


def test_seeds_in_steps_are_trained_one_by_one():
    members = [EnsembleMember(model(), data(), seed) for seed in (0, 1)]
    with pytest.raises(CannotBeBatched, match="may end within an epoch"):
        fit_together(members, TrainParams(steps=5, batch_size=8))
