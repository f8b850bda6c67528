"""What a training makes of its losses: means, best weights, learning rates, and when to give up."""

import math

import pytest
import torch
from training_samples import Noisy, Plain, data, losses, model, train, weights

from vaehub import Dataset, Losses, TrainingDiverged, generator
from vaehub.core.random import seeded_construction
from vaehub.training.sums import STEPS_BETWEEN_CHECKS


def test_every_epoch_has_losses_of_both_parts():
    _, history = train()
    assert [record.index for record in history] == [0, 1, 2, 3]
    assert all(set(record.losses) == {"train", "validation"} for record in history)
    assert all(set(part) == {"total", "reconstruction"} for record in history for part in record.losses.values())


def test_without_a_validation_part_there_is_no_validation_loss():
    _, history = train(dataset=data(share=0))
    assert set(history[0].losses) == {"train"}


def test_the_loss_of_a_part_is_the_mean_over_its_observations_however_they_are_batched():
    dataset = data(n=29, share=0.3)
    _, history = train(built=Plain(dataset.spec), dataset=dataset, epochs=1)
    for part in ("train", "validation"):
        expected = float(dataset.split(part).x[:, 0].double().mean())
        assert history[0].losses[part]["total"] == pytest.approx(expected, rel=1e-6)


def test_a_loss_that_is_no_number_stops_the_training_and_says_where():
    with pytest.raises(TrainingDiverged, match=r"diverged in epoch 2: total is nan, .* on the train split") as caught:
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


class Swinging(Noisy):
    """Moves its weights in every step, while its loss falls until the third epoch and rises again."""

    def loss(self, batch, step):
        still = self.inside.bias.sum()
        return Losses(still - still.detach() + abs(step.epoch - 2), {})


def swinging(epochs, **params):
    with seeded_construction(0):
        return train(built=Swinging(data().spec), epochs=epochs, **params)[0]


@pytest.mark.parametrize("share", [0, 0.2])
def test_the_best_weights_are_those_of_the_best_epoch_with_or_without_a_validation_part(share):
    kept = weights(swinging(6, keep="best", dataset=data(share=share)))
    assert torch.equal(kept, weights(swinging(3, dataset=data(share=share))))
    assert not torch.equal(kept, weights(swinging(6, dataset=data(share=share))))


def test_of_equal_losses_the_first_is_the_best():
    class Level(Swinging):
        """Moves its weights in every step, while its loss stays the same."""

        def loss(self, batch, step):
            still = self.inside.bias.sum()
            return Losses(still - still.detach() + 1, {})

    def trained(epochs, **params):
        with seeded_construction(0):
            return weights(train(built=Level(data().spec), epochs=epochs, **params)[0])

    assert torch.equal(trained(3, keep="best"), trained(1))
    assert not torch.equal(trained(3), trained(1))


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_a_loss_that_never_falls_lowers_the_learning_rate_whenever_patience_ends(patience):
    built = Plain(data().spec)
    _, history = train(built=built, epochs=9, lr_patience=patience, lr_factor=0.5, learning_rate=1.0)
    # The first epoch is the best; from then on every (patience + 1) epochs halve the rate of the next.
    expected = [0.5 ** (max(epoch - 1, 0) // (patience + 1)) for epoch in range(9)]
    assert [record.learning_rate for record in history] == expected


def test_without_patience_the_learning_rate_stays():
    _, history = train(built=Plain(data().spec), epochs=5, learning_rate=0.25)
    assert [record.learning_rate for record in history] == [0.25] * 5


class Telling(Noisy):
    """Has the losses that it is told to have."""

    def __init__(self, spec, losses):
        super().__init__(spec)
        self.losses, self.calls = losses, 0

    def loss(self, batch, step):
        self.calls += 1
        return self.losses(0 * self.inside.bias.sum() + 1, self.training)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (lambda one, training: Losses(one * math.inf, {"kl": one}), "in epoch 1: total is inf on the train split"),
        (
            lambda one, training: Losses(one, {"reconstruction": one, "kl": -one * math.inf}),
            "in epoch 1: kl is -inf on the train split",
        ),
        (
            lambda one, training: Losses(one * math.nan, {"reconstruction": one, "kl": one * math.nan}),
            "in epoch 1: total is nan, kl is nan on the train split",
        ),
        (
            lambda one, training: Losses(one if training else one * math.nan, {}),
            "in epoch 1: total is nan on the validation split",
        ),
    ],
)
def test_a_training_that_diverged_names_epoch_term_and_part(told, words):
    with pytest.raises(TrainingDiverged, match=f"^training diverged {words}; a smaller 'train.learning_rate' may help"):
        # One batch, for the gradient of such a loss makes every later term nan.
        train(built=Telling(data().spec, told), batch_size=64)


def test_a_training_that_diverged_on_large_observations_says_how_to_scale_them():
    large = Dataset(data(share=0).x * 3e4).with_validation(0.2, generator(0, "split"))
    built = Telling(large.spec, lambda one, training: Losses(one * math.nan, {}))
    with pytest.raises(
        TrainingDiverged, match=r"the observations reach [0-9.]+e[+]04, .*'-s data.scale=standard'"
    ) as caught:
        train(built=built, dataset=large)
    assert "learning_rate" not in str(caught.value)


def test_a_training_that_diverged_does_not_wait_for_the_end_of_a_long_epoch():
    dataset = data(n=4 * STEPS_BETWEEN_CHECKS, share=0)
    built = Telling(dataset.spec, lambda one, training: Losses(one * math.nan, {}))
    with pytest.raises(TrainingDiverged):
        train(built=built, dataset=dataset, batch_size=2)
    assert built.calls == STEPS_BETWEEN_CHECKS


def test_losses_in_half_precision_are_averaged_without_loss():
    # Half precision knows 2049 as 2048, and no number beyond 65504, which the sum of these exceeds.
    built = Telling(data().spec, lambda one, training: Losses((4000 * one).half(), {"kl": (0.25 * one).half()}))
    _, history = train(built=built, epochs=1)
    assert history[0].losses["train"] == {"total": 4000.0, "kl": 0.25}
