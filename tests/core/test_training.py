"""The training loop: the same bits, resumed or not, and no pretending."""

import math

import pytest
import torch

from vaehub import Dataset, LatentModel, Losses, ModelParams, Network, Params, Posterior, TrainingDiverged, VaehubError
from vaehub import generator as stream
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.core.training import TrainingState, fit, resolve_device


class Noisy(LatentModel):
    """A linear autoencoder with noise, which records what it sees."""

    def __init__(self, spec, *, rows=None, poison=None):
        super().__init__(ModelParams(latent_dim=2), Network(Params(), spec, 2, 2), spec)
        self.inside, self.outside = torch.nn.Linear(3, 4), torch.nn.Linear(2, 3)
        self.rows, self.poison = rows, poison
        self.seen, self.ended = [], 0

    def encode(self, batch):
        return Posterior.split(self.inside(batch.x))

    def decode(self, z):
        return self.outside(z)

    def loss(self, batch, step):
        if self.training:
            self.seen.append((step.epoch, step.index, batch.x[:, 0].tolist()))
        posterior = self.encode(batch)
        error = (self.decode(posterior.sample(step.generator)) - batch.x).square().sum(1).mean()
        if self.poison is not None and step.index >= self.poison:
            error = error * math.nan
        return Losses(error, {"reconstruction": error})

    def prior_sample(self, n, generator):
        return torch.randn(n, 2, generator=generator)

    def epoch_started(self, epoch):
        return self.rows

    def training_ended(self, epoch):
        self.ended += 1


def data(n=41, share=0.2):
    x = torch.rand(n, 3, generator=stream(0, "x"))
    return Dataset(x).with_validation(share, stream(0, "split"))


def model(**more):
    with seeded_construction(0):
        return Noisy(data().spec, **more)


def train(seed=0, built=None, dataset=None, checkpoint=None, on_epoch=None, **params):
    built = built or model()
    params = TrainParams(**({"epochs": 4, "batch_size": 8, "learning_rate": 0.01} | params))
    history = fit(built, dataset or data(), params, seed=seed, checkpoint=checkpoint, on_epoch=on_epoch)
    return built, history


def weights(built):
    return torch.cat([value.flatten() for value in built.state_dict().values()])


def losses(history):
    return [record.losses for record in history]


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


class Memory:
    """A checkpoint that lasts as long as the test."""

    def __init__(self):
        self.state = None

    def load(self):
        return self.state

    def save(self, state):
        copied = {name: value.detach().clone() for name, value in state.tensors.items()}
        self.state = TrainingState(copied, state.plain)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("more", [{}, {"keep": "best"}, {"lr_patience": 0, "learning_rate": 0.5}])
@pytest.mark.parametrize("stop", [0, 2])
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


def test_every_epoch_has_losses_of_both_parts():
    _, history = train()
    assert [record.index for record in history] == [0, 1, 2, 3]
    assert all(set(record.losses) == {"train", "validation"} for record in history)
    assert all(set(part) == {"total", "reconstruction"} for record in history for part in record.losses.values())


def test_without_a_validation_part_there_is_no_validation_loss():
    _, history = train(dataset=data(share=0))
    assert set(history[0].losses) == {"train"}


def test_every_observation_is_seen_once_an_epoch_and_none_of_the_validation_part():
    built, _ = train()
    expected = sorted(data().part("train").x[:, 0].tolist())
    for epoch in range(4):
        assert sorted(value for index, _, batch in built.seen if index == epoch for value in batch) == expected


def test_each_epoch_has_its_own_order():
    built, _ = train()
    orders = [[value for index, _, batch in built.seen if index == epoch for value in batch] for epoch in range(2)]
    assert orders[0] != orders[1]


def test_a_model_may_choose_what_an_epoch_learns_from():
    built, _ = train(built=model(rows=torch.tensor([1, 5, 7])), epochs=1)
    chosen = data().part("train").x[[1, 5, 7], 0].tolist()
    assert sorted(value for _, _, batch in built.seen for value in batch) == sorted(chosen)


def test_a_last_batch_of_one_joins_the_one_before():
    built, _ = train(dataset=data(n=17, share=0), epochs=1)
    assert [len(batch) for _, _, batch in built.seen] == [8, 9]


def test_steps_are_counted_through():
    built, _ = train()
    assert [step for _, step, _ in built.seen] == list(range(len(built.seen)))


class Plain(Noisy):
    """Its loss is the mean of the first value, which no weight can change."""

    def loss(self, batch, step):
        return Losses(batch.x[:, 0].mean() + 0 * self.inside.bias.sum(), {})


def test_the_loss_of_a_part_is_the_mean_over_its_observations_however_they_are_batched():
    dataset = data(n=29, share=0.3)
    _, history = train(built=Plain(dataset.spec), dataset=dataset, epochs=1)
    for part in ("train", "validation"):
        expected = float(dataset.part(part).x[:, 0].double().mean())
        assert history[0].losses[part]["total"] == pytest.approx(expected, rel=1e-6)


def test_a_loss_that_is_no_number_stops_the_training_and_says_where():
    with pytest.raises(TrainingDiverged, match=r"diverged in epoch 2: total is nan, .* on the train part") as caught:
        train(built=model(poison=6))
    assert caught.value.epoch == 1


def test_the_best_weights_have_the_lowest_validation_loss():
    last, history = train(keep="last", epochs=12, learning_rate=0.3)
    best, same = train(keep="best", epochs=12, learning_rate=0.3)
    assert losses(history) == losses(same)
    lowest = min(range(12), key=lambda epoch: history[epoch].losses["validation"]["total"])
    stopped, _ = train(epochs=lowest + 1, learning_rate=0.3)
    assert torch.equal(weights(best), weights(stopped))
    assert lowest < 11, "the last epoch is the best, so this shows nothing"
    assert not torch.equal(weights(best), weights(last))


def test_the_learning_rate_falls_when_the_loss_does_not():
    _, history = train(lr_patience=0, lr_factor=0.1, epochs=8, learning_rate=0.5)
    rates = [record.learning_rate for record in history]
    assert rates[0] == 0.5
    assert rates[-1] < 0.5
    for before, after, record, previous in zip(rates, rates[1:], history[1:], history, strict=False):
        assert after in (pytest.approx(before), pytest.approx(0.1 * before)), (record, previous)


def test_the_end_is_told_once_and_the_model_is_left_in_evaluation_mode():
    built, _ = train()
    assert built.ended == 1
    assert not built.training


def test_unknown_and_absent_devices_are_refused():
    with pytest.raises(VaehubError, match="unknown device 'tpu'; 'auto', 'cpu' and 'cuda' are known"):
        resolve_device("tpu")
    if not torch.cuda.is_available():
        assert resolve_device("auto").type == "cpu"
        with pytest.raises(VaehubError, match="'cuda' was asked for, and PyTorch finds no CUDA device here"):
            resolve_device("cuda")
