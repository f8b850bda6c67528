"""A training that stopped goes on as if it had not."""

import pytest
import torch
from checkpoints import Interrupted, Memory
from training_samples import Counter, Noisy, data, losses, model, normed, stopped, train, weights

from vaehub.core.progress import listening
from vaehub.core.random import seeded_construction


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"keep": "best"},
        {"lr_patience": 0, "learning_rate": 0.5},
        {"lr_patience": 1, "learning_rate": 0.5, "keep": "best"},
    ],
)
@pytest.mark.parametrize("stop", [0, 2, 4])
def test_a_resumed_training_ends_with_the_bits_of_one_that_never_stopped(more, stop):
    whole, history = train(**({"epochs": 5} | more))
    memory = Memory()

    def interrupt(record):
        if record.index == stop:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(checkpoint=memory, on_epoch=interrupt, **({"epochs": 5} | more))
    resumed, resumed_history = train(checkpoint=memory, **({"epochs": 5} | more))
    assert torch.equal(weights(resumed), weights(whole))
    assert losses(resumed_history) == losses(history)
    assert [record.learning_rate for record in resumed_history] == [record.learning_rate for record in history]


def test_a_resumed_training_keeps_running_averages_as_well():
    memory = Memory()
    stopped(normed(), memory, 1)
    assert torch.equal(weights(train(built=normed(), checkpoint=memory)[0]), weights(train(built=normed())[0]))


def test_a_resumed_training_owes_nothing_to_the_weights_it_was_built_with():
    memory = Memory()
    stopped(normed(), memory, 1)
    resumed, _ = train(built=normed(seed=9), checkpoint=memory)
    assert torch.equal(weights(resumed), weights(train(built=normed())[0]))


def test_a_training_resumes_from_the_last_state_that_was_kept():
    memory = Memory(every=2)
    stopped(model(), memory, 2)
    resumed, history = train(checkpoint=memory)
    assert {epoch for epoch, _, _ in resumed.seen} == {2, 3}
    assert [record.index for record in history] == [0, 1, 2, 3]


def test_steps_are_counted_on_where_a_training_stopped():
    memory = Memory()
    stopped(model(), memory, 1)
    resumed, _ = train(checkpoint=memory)
    whole, _ = train()
    assert resumed.seen == [call for call in whole.seen if call[0] >= 2]


def test_a_training_stopped_within_an_epoch_learns_that_epoch_again():
    class Fragile(Noisy):
        def loss(self, batch, step):
            if step.index == 7:
                raise Interrupted
            return super().loss(batch, step)

    memory = Memory()
    with seeded_construction(0):
        fragile = Fragile(data().spec)
    with pytest.raises(Interrupted):
        train(built=fragile, checkpoint=memory)
    resumed, _ = train(checkpoint=memory)
    assert {epoch for epoch, _, _ in resumed.seen} == {1, 2, 3}
    assert torch.equal(weights(resumed), weights(train()[0]))


def test_a_training_with_nothing_kept_starts_from_the_start():
    resumed, _ = train(checkpoint=Memory())
    assert torch.equal(weights(resumed), weights(train()[0]))


def test_a_checkpoint_changes_no_bit_of_a_training_that_is_not_stopped():
    assert torch.equal(weights(train(built=normed(), checkpoint=Memory())[0]), weights(train(built=normed())[0]))


def test_progress_of_a_resumed_training_begins_where_it_stopped():
    memory, counter = Memory(), Counter()
    stopped(model(), memory, 1)
    with listening(counter):
        train(checkpoint=memory)
    assert counter.notes[0] == "resumed"
    assert counter.done == 4
