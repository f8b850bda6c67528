"""What is said over several seeds: mean and standard deviation of each number."""

import math
from datetime import datetime

import pytest

from vaehub.cli.seeds import over_seeds, spread
from vaehub.core.result import Result
from vaehub.hub.views import Measurement
from vaehub.store.records import MeasurementRecord, TrainingRecord


def measured(seed, value, *, epochs=2, metric="elbo", params=None):
    recipe = {"train": {"params": {"epochs": epochs}}, "seed": seed}
    when = datetime(2026, 11, 21)
    training = TrainingRecord(f"t{seed}{epochs}", recipe, 4, "done", None, (), when, 1.0, "cpu")
    asked = (f"m{seed}{epochs}", metric, params or {}, seed, {}, {}, training.id, None, "done", None, when, 0.0)
    return Measurement(MeasurementRecord(*asked), Result({"elbo": value}, {"kl": [1.0, 2.0]}), training, reused=False)


def test_each_length_of_a_training_has_its_own_mean():
    found = over_seeds([measured(seed, 10 * epochs + seed, epochs=epochs) for epochs in (1, 2) for seed in (0, 2)])
    assert found == [
        ["elbo", "1 epoch", "elbo", "11 ± 1.4", 2],
        ["elbo", "2 epochs", "elbo", "21 ± 1.4", 2],
    ]


def test_values_of_one_seed_have_no_spread_and_other_parameters_are_not_mixed():
    assert over_seeds([measured(0, 1.0), measured(1, 2.0, params={"split": "test"})]) == []


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1.0, 3.0], "2 ± 1.4"), ([math.nan, 1.0], "nan"), ([math.inf, 1.0], "inf"), ([0.5, 0.5], "0.5 ± 0")],
)
def test_the_spread_is_that_of_the_n_minus_1_kind(numbers, text):
    assert spread(numbers) == text
