"""A training that goes on until the number of latents that it finds has converged."""

import pytest
import torch
from checkpoints import Interrupted, Memory
from training_samples import Noisy, data, train, weights

from vaehub.core.errors import VaehubError
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.training import stability
from vaehub.training.fit import fit
from vaehub.training.stability import Stability


class Finder(Noisy):
    """Finds one latent less each time that it is asked, down to a floor."""

    counts_selected_latents = True
    floor = 3

    def n_selected_latents(self, train, generator):
        self.asked = getattr(self, "asked", 0) + 1
        return max(self.floor, 40 - self.asked)


def finder():
    with seeded_construction(0):
        return Finder(data().spec)


@pytest.fixture
def soon(monkeypatch):
    """Let a count converge early, so that trainings are short."""
    monkeypatch.setattr(stability, "FEWEST_STEPS", 100)


def when(counts):
    """Return the steps at which a sequence of (steps, count) is called stable."""
    found = Stability()
    for steps, count in counts:
        if found.is_due(steps):
            found.add(steps, count)
            if found.is_reached:
                return steps
    return None


def along(count, last, every=50):
    return when((steps, count(steps)) for steps in range(every, last + 1, every))


def test_a_count_that_stands_still_from_the_start_needs_two_thousand_steps():
    assert 2000 <= along(lambda steps: 5, 5000) <= 2150


def test_a_count_that_falls_is_waited_for_until_it_has_stood_for_a_quarter_of_all_steps():
    def falls(steps):
        return max(18, 48 - steps // 100)

    assert along(falls, 3900) is None
    assert 4000 <= along(falls, 6000) <= 4700


def test_a_count_that_never_stands_still_is_never_stable():
    assert along(lambda steps: steps // 400, 20_000) is None


def test_large_counts_may_move_by_a_fiftieth():
    assert along(lambda steps: 200 + steps // 100 % 2, 5000) is not None
    assert along(lambda steps: 20 + steps // 100 % 2, 5000) is None


def test_counting_becomes_rarer_as_steps_grow():
    found = Stability()
    for steps in range(1, 10_001):
        if found.is_due(steps):
            found.add(steps, steps)
    late = [steps for steps, _ in found.counts if steps > 5000]
    assert 8 <= len(late) <= 10
    assert len(found.counts) < 150


def test_a_model_that_says_it_counts_and_does_not_say_how_is_told_so(soon):
    class Boast(Noisy):
        counts_selected_latents = True

    params = TrainParams(epochs=2000, batch_size=8, learning_rate=0.01, until="stable")
    with pytest.raises(VaehubError, match="model class 'Boast' does not count .* defines 'n_selected_latents'"):
        fit(Boast(data().spec), data(), params, seed=0)


def test_a_training_ends_once_its_count_stands_still_and_says_so(soon):
    model = finder()
    model.floor = 38
    params = TrainParams(epochs=2000, batch_size=8, learning_rate=0.01, until="stable")
    found = fit(model, data(), params, seed=0)
    steps = len(found.history) * 4  # 33 observations in batches of 8, none of one alone
    assert 100 <= steps <= 110
    assert found.notes[-1] == (f"training ended after {steps} steps, since the number of latents has converged to 38")
    assert model.asked <= steps / 4


def test_what_is_trained_until_stable_is_the_training_of_so_many_epochs(soon):
    model = finder()
    model.floor = 38
    found = fit(model, data(), TrainParams(epochs=2000, batch_size=8, learning_rate=0.01, until="stable"), seed=0)
    plain, _ = train(built=finder(), epochs=len(found.history))
    assert torch.equal(weights(model), weights(plain))


def test_epochs_bound_it_and_what_still_moves_is_told():
    model = finder()
    found = fit(model, data(), TrainParams(epochs=30, batch_size=8, until="stable"), seed=0)
    assert len(found.history) == 30
    assert "did not converge within the whole training" in found.notes[-1]


def test_a_resumed_training_remembers_what_was_counted(soon):
    def run(memory=None, on_epoch=None):
        model = finder()
        model.floor = 39
        params = {"epochs": 2000, "until": "stable"}
        return train(built=model, checkpoint=memory, on_epoch=on_epoch, **params)

    whole, history = run()
    memory = Memory()

    def interrupt(record):
        if record.index == 15:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(memory, interrupt)
    counts = memory.state.plain["counts"]
    resumed, again = run(memory)
    assert len(counts) > 3
    # What the resumed model has seen is less, so that it counts otherwise; the counts from before must stand.
    assert resumed.asked < whole.asked
    assert len(again) >= len(history)


def test_snapshots_after_the_end_are_the_model_as_it_ended(soon):
    kept = {}
    model = finder()
    model.floor = 38
    params = TrainParams(epochs=2000, batch_size=8, learning_rate=0.01, until="stable")
    snapshots = {
        n: lambda copied, fitted, n=n: kept.update({n: (weights(copied), len(fitted.history))}) for n in (3, 90)
    }
    found = fit(model, data(), params, seed=0, snapshots=snapshots)
    assert kept[3][1] == 3
    assert kept[90][1] == len(found.history) < 90
    assert torch.equal(kept[90][0], weights(model))
