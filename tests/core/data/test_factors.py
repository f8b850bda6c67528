"""Factors: every observation is found by its values, and sampled as asked."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaehub import DataError, Factors, generator

SIZES = (3, 2, 4)
GRID = Factors.grid(("shape", "scale", "angle"), SIZES, ((1, 2, 3), (0.5, 1.0), (0.0, 0.1, 0.2, 0.3)))


def partial(rows):
    return GRID.of(torch.tensor(rows))


def test_a_grid_is_every_combination_with_the_last_factor_fastest():
    assert GRID.classes.tolist() == [list(each) for each in itertools.product(*map(range, SIZES))]
    assert GRID.is_grid
    assert not partial([*range(1, 24), 0]).is_grid
    assert not partial(range(23)).is_grid


@given(st.permutations(range(24)), st.integers(1, 24))
def test_a_lookup_finds_the_observation_with_those_classes(order, n):
    factors = partial(order[:n])
    assert torch.equal(factors.lookup(factors.classes), torch.arange(n))


def test_a_lookup_on_a_grid_agrees_with_one_by_index():
    shuffled = torch.randperm(24, generator=generator(0))
    assert torch.equal(GRID.lookup(GRID.classes[shuffled]), shuffled)
    again = GRID.of(shuffled)
    assert torch.equal(again.lookup(GRID.classes), torch.argsort(shuffled))


def test_of_several_observations_with_the_same_factors_the_first_or_any_is_found():
    factors = partial([5, 7, 5, 5])
    wanted = factors.classes[:1].repeat(300, 1)
    assert set(factors.lookup(wanted).tolist()) == {0}
    drawn = torch.bincount(factors.lookup(wanted, generator(0)), minlength=4).tolist()
    assert drawn[1] == 0
    assert all(60 < count < 140 for count in (drawn[0], drawn[2], drawn[3]))


def test_what_no_observation_has_is_said():
    with pytest.raises(DataError, match="no observation of this data has shape 0, scale 1, angle 0"):
        partial([0, 1, 2]).lookup(torch.tensor([[0, 1, 0]]))


@pytest.mark.parametrize("classes", [[3, 0, 0], [0, -1, 0]])
def test_a_class_out_of_range_is_refused(classes):
    with pytest.raises(DataError, match=r"shape \(0 to 2\), scale \(0 to 1\), angle \(0 to 3\) were asked for"):
        GRID.lookup(torch.tensor([classes]))


def test_values_stand_for_classes():
    assert GRID.classes_of({"shape": 3, "scale": 0.5, "angle": 0.2}).tolist() == [2, 0, 2]


def test_a_value_off_the_grid_is_answered_with_the_nearest():
    with pytest.raises(DataError, match=r"factor 'scale' has no value 0.8; the nearest is 1 \(class 1\)"):
        GRID.classes_of({"shape": 1, "scale": 0.8, "angle": 0})


def test_unknown_and_missing_factors_are_named():
    with pytest.raises(DataError, match="no factor 'colour' in this data, there is shape, scale, angle"):
        GRID.classes_of({"colour": 1})
    with pytest.raises(DataError, match="scale, angle is missing"):
        GRID.classes_of({"shape": 1})


@pytest.mark.parametrize("factors", [GRID, partial([0, 1, 5, 9, 13, 23, 2, 2])])
@pytest.mark.parametrize("held", range(3))
def test_a_group_shares_one_factor_and_leaves_the_others_free(factors, held):
    rows = factors.sharing(held, 40, 30, generator(0))
    assert rows.shape == (30, 40)
    classes = factors.classes[rows]
    assert (classes[:, :, held] == classes[:, :1, held]).all()
    assert len(torch.unique(classes[:, :, held])) == len(torch.unique(factors.classes[:, held]))


def test_a_group_is_drawn_uniformly_from_all_that_share():
    rows = GRID.sharing(0, 8000, 1, generator(1))[0]
    _, counts = torch.unique(rows, return_counts=True)
    assert len(counts) == 8
    # The standard deviation of each count is 30.
    assert (counts - 1000).abs().max() < 130


@pytest.mark.parametrize("varied", range(3))
def test_a_line_goes_through_all_values_of_one_factor_and_holds_the_others(varied):
    rows = GRID.varying(varied, 50, generator(0))
    classes = GRID.classes[rows]
    assert (classes[:, :, varied] == torch.arange(SIZES[varied])).all()
    others = [at for at in range(3) if at != varied]
    assert (classes[:, :, others] == classes[:, :1, others]).all()
    assert len(torch.unique(rows)) == 24


def test_on_partial_data_only_complete_lines_are_drawn():
    # Of shape 0, scale 0 all four angles, and of shape 1, scale 0 three of them.
    factors = partial([0, 1, 2, 3, 8, 9, 10])
    rows = factors.varying(2, 20, generator(0))
    assert rows.tolist() == [[0, 1, 2, 3]] * 20
    with pytest.raises(DataError, match="nowhere in this data does factor 'scale' take all its values"):
        factors.varying(1, 1, generator(0))


def test_the_generator_decides_all_that_is_drawn():
    first, same, other = (GRID.sharing(1, 5, 4, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_factors_of_the_size_of_celeba_attributes_have_codes():
    rng = np.random.default_rng(0)
    classes = torch.from_numpy(rng.integers(0, 2, (500, 40)))
    factors = Factors(tuple(f"a{at}" for at in range(40)), (2,) * 40, classes)
    assert torch.equal(factors.lookup(classes), torch.arange(500))
