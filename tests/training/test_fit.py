"""The training loop: the same bits, resumed or not, and no pretending."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_samples import Counter, Noisy, data, losses, model, train, weights

from vaehub import (
    DataError,
    Dataset,
)
from vaehub.core.progress import listening
from vaehub.core.random import seeded_construction
from vaehub.training.fit import resident


def test_the_same_seed_gives_the_same_bits():
    (first, a), (second, b) = train(seed=3), train(seed=3)
    assert torch.equal(weights(first), weights(second))
    assert losses(a) == losses(b)


def test_another_seed_gives_other_weights():
    assert not torch.equal(weights(train(seed=3)[0]), weights(train(seed=4)[0]))


def test_training_reads_and_sets_no_global_random_state():
    before = torch.random.get_rng_state()
    first = weights(train()[0])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(weights(train()[0]), first)


def test_every_observation_is_seen_once_an_epoch_and_none_of_the_validation_part():
    built, _ = train()
    expected = sorted(data().split("train").x[:, 0].tolist())
    for epoch in range(4):
        assert sorted(value for index, _, batch in built.seen if index == epoch for value in batch) == expected


def test_each_epoch_has_its_own_order():
    built, _ = train()
    orders = [[value for index, _, batch in built.seen if index == epoch for value in batch] for epoch in range(2)]
    assert orders[0] != orders[1]


def test_a_model_may_choose_what_an_epoch_learns_from():
    built, _ = train(built=model(rows=torch.tensor([1, 5, 7])), epochs=1)
    chosen = data().split("train").x[[1, 5, 7], 0].tolist()
    assert sorted(value for _, _, batch in built.seen for value in batch) == sorted(chosen)


def test_a_last_batch_of_one_joins_the_one_before():
    built, _ = train(dataset=data(n=17, share=0), epochs=1)
    assert [len(batch) for _, _, batch in built.seen] == [8, 9]


def test_steps_are_counted_through():
    built, _ = train()
    assert [step for _, step, _ in built.seen] == list(range(len(built.seen)))


def test_the_end_is_told_once_and_the_model_is_left_in_evaluation_mode():
    built, _ = train()
    assert built.ended == 1
    assert not built.training


def test_progress_is_told_epoch_by_epoch_with_the_losses():
    counter = Counter()
    with listening(counter):
        _, history = train()
    assert (counter.tasks, counter.done) == ([("training", 4)], 4)
    assert counter.notes[-1].startswith(f"validation total {history[-1].losses['validation']['total']:.4g}")


def test_whoever_follows_the_epochs_hears_each_record_once_and_in_order():
    heard = []
    _, history = train(on_epoch=heard.append)
    assert heard == history


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(2, 12))
def test_batches_hold_each_observation_once_and_are_never_of_one_alone(n, size):
    dataset = data(n=n, share=0)
    built, _ = train(built=Noisy(dataset.spec), dataset=dataset, epochs=1, batch_size=size)
    sizes = [len(batch) for _, _, batch in built.seen]
    assert sorted(value for _, _, batch in built.seen for value in batch) == sorted(dataset.x[:, 0].tolist())
    assert max(sizes) <= size + 1
    assert min(sizes) > 1 or n == 1


class Watchful(Noisy):
    """Records in what mode it is called, and what it is told."""

    def __init__(self, spec):
        super().__init__(spec)
        self.called, self.kept = [], None

    def loss(self, batch, step):
        self.called.append(("loss", self.training, torch.is_grad_enabled()))
        return super().loss(batch, step)

    def epoch_started(self, epoch):
        self.called.append(("started", self.training, epoch.index, len(epoch.data)))

    def training_ended(self, epoch):
        self.called.append(("ended", self.training, epoch.index, len(epoch.data)))
        self.kept = weights(self).clone()


def watchful(**params):
    with seeded_construction(0):
        return train(built=Watchful(data().spec), **params)


def test_learning_is_in_training_mode_and_validation_is_in_evaluation_mode_without_gradient():
    built, _ = watchful(epochs=1, batch_size=16)
    assert [call[1:] for call in built.called if call[0] == "loss"] == [(True, True), (True, True), (False, False)]


def test_an_epoch_starts_in_evaluation_mode_with_its_number_and_the_training_part():
    built, _ = watchful(epochs=3)
    n = len(data().split("train"))
    assert [call[1:] for call in built.called if call[0] == "started"] == [(False, epoch, n) for epoch in range(3)]


def test_the_end_comes_last_and_with_the_weights_that_are_kept():
    built, history = watchful(keep="best", epochs=12, learning_rate=0.3)
    assert built.called[-1] == ("ended", False, 12, len(data().split("train")))
    assert torch.equal(built.kept, weights(built))
    best = min(history, key=lambda record: record.losses["validation"]["total"])
    assert best.index < 11, "the last epoch is the best, so this shows nothing"
    assert torch.equal(built.kept, weights(watchful(epochs=best.index + 1, learning_rate=0.3)[0]))


def test_an_epoch_says_how_long_it_took():
    _, history = train()
    assert all(record.seconds > 0 for record in history)


def test_data_without_a_training_part_cannot_be_learned_from():
    with pytest.raises(DataError, match="there is no split 'train' of this data, there is all"):
        train(dataset=Dataset(torch.zeros(3, 3)))


def test_data_that_do_not_fit_an_accelerator_stay_where_they_are(monkeypatch):
    held = data()
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * held.n_bytes - 1, 1 << 40))
    found = resident(held, torch.device("cuda"))
    assert found.stored.device.type == "cpu"
    assert found.device.type == "cuda"


def test_streamed_batches_are_those_of_resident_data():
    held = Dataset(torch.rand(9, 3), labels=torch.arange(9) % 2, splits={"train": range(5)})
    streamed = held.streamed_to(torch.device("meta"))
    batch = streamed.split("train").batch(torch.tensor([4, 0]))
    assert (batch.x.device.type, batch.labels.device.type, tuple(batch.x.shape)) == ("meta", "meta", (2, 3))
    here = held.streamed_to(torch.device("cpu")).split("train").batch(torch.tensor([4, 0]))
    assert torch.equal(here.x, held.x[[4, 0]])
    assert torch.equal(here.labels, held.labels[[4, 0]])
