"""What every metric has from its contract."""

import pytest
import torch

from vaehub import DatasetMetric, ModelMetric, PairMetric, Params, RecipeMetric, Result, generator


class Count(DatasetMetric):
    def measure(self, data):
        return Result(scalars={"n": len(data)})


def draws(seed, *purpose):
    return torch.rand(5, generator=Count(Params(), seed).generator(*purpose))


@pytest.mark.parametrize("contract", [DatasetMetric, ModelMetric, PairMetric, RecipeMetric])
def test_a_metric_that_measures_nothing_cannot_be_built(contract):
    with pytest.raises(TypeError, match=r"abstract.* measure"):
        contract(Params())


def test_a_measurement_draws_the_same_numbers_for_the_same_seed_and_purpose():
    assert torch.equal(draws(3, "votes", 1), draws(3, "votes", 1))


@pytest.mark.parametrize("other", [(4, "votes", 1), (3, "votes", 2), (3, "codes", 1), (3,)])
def test_other_seeds_and_purposes_draw_other_numbers(other):
    assert not torch.equal(draws(*other), draws(3, "votes", 1))


def test_a_measurement_draws_other_numbers_than_a_training_of_the_same_seed():
    assert not torch.equal(draws(3, "training", "order"), torch.rand(5, generator=generator(3, "training", "order")))


def test_a_metric_has_no_picture_unless_it_makes_one():
    assert Count(Params()).plot(Result()) is None
