"""Procrustes similarity against independent code and closed forms, and the bound of its short way."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from vaehub import VaehubError
from vaehub.plugins.similarity.kernels import (
    linear_cka,
    procrustes_distance,
    procrustes_low_rank,
    procrustes_low_rank_matrix,
    procrustes_matrix,
    procrustes_similarity,
)

EXACT = 1e-9
seeds = st.integers(0, 10_000)


def some(seed, n=40, width=5):
    return np.random.default_rng(seed).normal(size=(n, width)) + 3


def noisy(x, seed, noise=0.5):
    return x + noise * np.random.default_rng(seed + 1).normal(size=x.shape)


def decaying(seed, n=60, width=50, power=2.0):
    """A representation of many directions of smaller and smaller variance."""
    return some(seed, n, width) * np.arange(1, width + 1) ** -power


def by_definition(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.linalg.norm(y.T @ x, "nuc") / np.linalg.norm(x) / np.linalg.norm(y)


def start(seed=0):
    return torch.Generator().manual_seed(seed)


# Independent code and closed forms


@pytest.mark.parametrize("name", ["X", "Y", "Z", "W"])
def test_it_agrees_with_scipy_and_the_code_of_the_thesis(oracles, name):
    expected = np.load(oracles / "similarity.npz")
    found = procrustes_similarity(expected["X"], expected[name])
    assert found == pytest.approx(float(expected[f"procrustes_X{name}"]), rel=EXACT)
    assert found == pytest.approx(float(expected[f"procrustes_f32_X{name}"]), rel=1e-4)
    single = [torch.tensor(expected[each], dtype=torch.float32) for each in ("X", name)]
    assert procrustes_similarity(*single) == pytest.approx(float(expected[f"procrustes_X{name}"]), rel=1e-4)


def test_the_distance_is_what_the_best_rotation_leaves():
    x, y = some(0), some(1)
    a, b = ((each - each.mean(axis=0)) / np.linalg.norm(each - each.mean(axis=0)) for each in (x, y))
    rotation, _ = orthogonal_procrustes(b, a)
    assert procrustes_distance(x, y) == pytest.approx(np.linalg.norm(a - b @ rotation) ** 2, rel=EXACT)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_of_one_number_it_is_the_absolute_correlation(seed):
    x = some(seed, width=2)
    assert procrustes_similarity(x[:, 0], x[:, 1]) == pytest.approx(abs(np.corrcoef(x.T)[0, 1]), rel=1e-7)


# What must hold


@given(seeds, st.sampled_from([3, 39, 40, 90]), st.floats(-1e3, 1e3).filter(lambda a: abs(a) > 1e-3))
@settings(max_examples=30, deadline=None)
def test_rotation_scale_and_shift_change_nothing(seed, width, scale):
    x, y = some(seed, width=width), some(seed + 1, width=7)
    turned = scale * x @ ortho_group.rvs(width, random_state=seed) - 2.0
    assert procrustes_similarity(x, turned) == pytest.approx(1, rel=EXACT)
    found = procrustes_similarity(x, y)
    assert procrustes_similarity(turned, y) == pytest.approx(found, rel=1e-7)
    assert procrustes_similarity(y, x) == pytest.approx(found, rel=EXACT)
    assert 0 <= found <= 1


def test_a_general_linear_map_changes_it():
    x = some(0)
    assert procrustes_similarity(x, x * [100, 1, 1, 1, 1]) < 0.9


@pytest.mark.parametrize(("p", "q"), [(3, 500), (39, 500), (40, 41), (300, 500), (500, 2000)])
def test_more_columns_than_observations_are_reduced_without_loss(p, q):
    x, y = decaying(0, n=40, width=p), some(1, n=40, width=q)
    assert procrustes_similarity(x, y) == pytest.approx(by_definition(x, y), rel=EXACT)


def test_few_observations_raise_it_where_debiased_alignment_sees_nothing():
    few, many = ([some(seed, n=n, width=50) for seed in (0, 1)] for n in (60, 3000))
    assert procrustes_similarity(*few) > 0.6
    assert procrustes_similarity(*many) < 0.15
    assert abs(linear_cka(*few, debiased=True)) < 0.1


@pytest.mark.parametrize("kernel", [procrustes_similarity, procrustes_distance])
def test_a_constant_has_no_similarity(kernel):
    assert math.isnan(kernel(np.ones((40, 3)), some(0)))
    assert math.isnan(kernel(some(0), np.full((40, 90), 0.1)))


def test_a_matrix_has_the_similarity_of_each_pair():
    first = [torch.tensor(some(seed, width=width)) for seed, width in enumerate((3, 45))]
    second = [torch.tensor(some(9, width=60)), torch.ones(40, 2), torch.full((40, 2), torch.nan), first[0]]
    found = procrustes_matrix(first, second)
    assert found[:, [1, 2]].isnan().all()
    for row, x in enumerate(first):
        for column in (0, 3):
            assert found[row, column] == pytest.approx(procrustes_similarity(x, second[column]), rel=EXACT)


# The short way


@given(seeds, st.sampled_from([0.0, 0.5, 1.0, 2.0, 8.0]), st.sampled_from([1, 5, 30]), st.sampled_from([20, 70, 200]))
@settings(max_examples=60, deadline=None)
def test_the_bound_of_a_low_rank_holds_whatever_the_spectrum(seed, power, rank, width):
    x = decaying(seed, width=width, power=power)
    y = noisy(x, seed) if seed % 2 else decaying(seed + 1, width=width + 3, power=power / 2)
    found = procrustes_low_rank(x, y, rank, start(seed))
    assert abs(found.value - by_definition(x, y)) <= found.error
    assert 0 <= found.value <= 1


def test_the_bound_holds_where_the_rank_is_less_than_asked_for():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 50))
    y = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 80))
    found = procrustes_low_rank(x, y, 10, start())
    assert abs(found.value - by_definition(x, y)) <= found.error < 1e-6


def test_the_bound_holds_where_nothing_is_shared():
    q = np.linalg.qr(np.column_stack([np.ones(90), some(0, n=90, width=80)]))[0][:, 1:]
    found = procrustes_low_rank(q[:, :40], q[:, 40:], 5, start())
    assert abs(found.value - by_definition(q[:, :40], q[:, 40:])) <= found.error < 1


def test_a_steep_spectrum_needs_few_values_and_a_flat_one_says_that_it_does_not():
    steep, flat = (decaying(0, power=power) for power in (4.0, 0.0))
    assert procrustes_low_rank(steep, noisy(steep, 0, 1e-4), 5, start()).error < 0.01
    assert procrustes_low_rank(flat, noisy(flat, 0), 5, start()).error > 0.05


@pytest.mark.parametrize("widths", [(8, 60), (60, 8), (60, 90)])
def test_all_values_are_exact(widths):
    x, y = some(0, width=widths[0]), some(1, width=widths[1])
    found = procrustes_low_rank(x, y, 60, start())
    assert found.value == pytest.approx(procrustes_similarity(x, y), rel=EXACT)
    assert found.error < 1e-11


def test_low_ranks_of_many_pairs_are_within_their_bounds():
    first = [torch.tensor(decaying(seed, width=70)) for seed in (0, 1)]
    second = [first[0], torch.tensor(decaying(3, width=30, power=0.5)), torch.zeros(60, 2)]
    exact = procrustes_matrix(first, second)
    values, errors = procrustes_low_rank_matrix(first, second, 5, start())
    assert (values - exact).abs()[:, :2].le(errors[:, :2]).all()
    assert values[:, 2].isnan().all()
    assert errors[:, 2].isnan().all()


def test_numpy_is_answered_with_numpy():
    found = procrustes_matrix([some(0)], [some(1), some(2)])
    assert isinstance(found, np.ndarray)
    assert found.shape == (1, 2)
    assert all(isinstance(each, np.ndarray) for each in procrustes_low_rank_matrix([some(0)], [some(1)], 2, start()))


def test_the_generator_decides_the_start():
    x, y = some(0, width=30), some(1, width=30)
    once, again, other = (procrustes_low_rank(x, y, 1, start(seed)) for seed in (0, 0, 1))
    assert once == again != other


def test_wrong_calls_are_refused_with_what_came():
    with pytest.raises(VaehubError, match="rank is 0 and should be at least 1"):
        procrustes_low_rank(some(0), some(0), 0, start())
    with pytest.raises(VaehubError, match=r"of the same observations, got shapes \(40, 5\) and \(39, 5\)"):
        procrustes_similarity(some(0), some(0, n=39))
    assert math.isnan(procrustes_low_rank(np.ones((40, 2)), some(0), 2, start()).value)
