"""Neighbours are those of brute force in float64, however they are found."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import DataError
from vaehub.plugins.intrinsic_dimension import nearest_neighbours
from vaehub.plugins.intrinsic_dimension.duplicates import distinct_rows
from vaehub.plugins.intrinsic_dimension.neighbours import nearest

PRECISIONS = [torch.bfloat16, torch.float32, torch.float64]


def brute(x, k):
    """Return distances from all differences, in float64."""
    distances = np.array([np.sqrt(np.square(x - row).sum(axis=1)) for row in x])
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)[:, :k]


def check(x, k, rtol=1e-12):
    table = nearest(x, k)
    np.testing.assert_allclose(table.distances, brute(np.asarray(x, dtype=np.float64), k), rtol=rtol)
    difference = np.asarray(x, dtype=np.float64)[table.rows][:, None] - np.asarray(x, dtype=np.float64)[table.indices]
    np.testing.assert_allclose(np.linalg.norm(difference, axis=2), table.distances, rtol=1e-14)
    assert (table.indices != table.rows[:, None]).all()
    assert all(len(set(row)) == k for row in table.indices.tolist())
    return table


@pytest.fixture(params=[None, *PRECISIONS], ids=str)
def first(request, monkeypatch):
    """Begin the search in each precision, also where this machine has no fast bfloat16."""
    if request.param is not None:
        order = PRECISIONS[PRECISIONS.index(request.param) :]
        monkeypatch.setattr(nearest_neighbours, "precisions", lambda device: iter(order))
    return request.param


# Adversarial observations


def clusters(rng):
    """Two tight clusters, far from each other and from the origin."""
    return np.vstack([rng.normal(size=(300, 50)) * 1e-4 + 1e3, rng.normal(size=(300, 50)) * 1e-4 - 1e3])


def near_ties(rng):
    """Distances that differ in the twelfth digit."""
    x = rng.normal(size=(400, 40))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.vstack([np.zeros((1, 40)), x * (1 + 1e-11 * rng.normal(size=(400, 1)))])


def outlier(rng):
    """One observation so far away that all others round to one."""
    return np.vstack([rng.normal(size=(500, 40)), np.full((1, 40), 1e7)])


def offset(rng):
    return rng.normal(size=(500, 40)) + 1e6


def tiny(rng):
    return rng.normal(size=(500, 40)) * 1e-30


def huge(rng):
    return rng.normal(size=(500, 40)) * 1e30


def binary(rng):
    return (rng.uniform(size=(600, 64)) < 0.3).astype(float)


def frame(rng):
    """All at the same distance."""
    return np.eye(120)


def narrow(rng):
    return rng.normal(size=(700, 1)).repeat(35, axis=1)


def pairs(rng):
    """Each beside a near copy, which only float64 tells apart."""
    x = rng.normal(size=(300, 40))
    return np.vstack([x, x + 1e-9 * rng.normal(size=x.shape)])


@pytest.mark.parametrize("make", [clusters, near_ties, outlier, offset, tiny, huge, binary, frame, narrow, pairs])
def test_neighbours_are_those_of_brute_force(make, first, rng):
    check(make(rng), 10, rtol=1e-11)


def test_float32_observations_are_measured_as_they_are(first, rng):
    check(torch.tensor(rng.normal(size=(400, 100)) + 100, dtype=torch.float32), 7)


@pytest.mark.parametrize("p", [1, 2, 5, 8])
def test_few_values_are_searched_by_a_tree(p, rng):
    x = rng.normal(size=(500, p))
    tree = check(x, 6)
    product = nearest_neighbours.search(torch.from_numpy(x), 6)[0]
    np.testing.assert_allclose(product, tree.distances, rtol=1e-9)


@pytest.mark.parametrize("n", [12, 40, 400, 1200])
def test_few_and_many_observations(n, first, rng):
    check(rng.normal(size=(n, 35)), 10)


def test_all_others_can_be_neighbours(first, rng):
    check(rng.normal(size=(50, 35)), 49)


@pytest.mark.parametrize("size", [1 << 13, 1 << 16, 1 << 24])
def test_blocks_of_any_size_give_the_same(size, rng, monkeypatch):
    x = rng.normal(size=(1000, 60))
    expected = nearest(x, 8)
    monkeypatch.setattr(nearest_neighbours, "PAIRS_AT_ONCE", size)
    monkeypatch.setattr(nearest_neighbours, "VALUES_AT_ONCE", size // 4)
    found = nearest(x, 8)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-15)


def test_any_number_of_threads_gives_the_same_bits_and_is_left_as_it_was(rng):
    x = rng.normal(size=(2000, 60))
    before = torch.get_num_threads()
    try:
        tables = []
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            tables.append(nearest(x, 5))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(tables[0].distances, tables[1].distances)


def test_a_precision_that_proves_nothing_is_given_up(rng):
    x = torch.from_numpy(outlier(rng))
    with nearest_neighbours.threaded_map(x.device) as each:
        ranking = nearest_neighbours.Ranking.of(x, torch.bfloat16, each)
        found = torch.empty(len(x), 5, dtype=torch.float64), torch.empty(len(x), 5, dtype=torch.int64)
        left = nearest_neighbours._prove(x, torch.arange(len(x)), ranking, found, each)
    assert len(left) > 490


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_bounds_hold_for_every_pair(dtype, rng):
    x = torch.from_numpy(np.vstack([rng.normal(size=(200, 300)) + 5, 20 * rng.normal(size=(100, 300))]))
    with nearest_neighbours.threaded_map(x.device) as each:
        ranking = nearest_neighbours.Ranking.of(x, dtype, each)
    rows = torch.arange(len(x))
    halves, which = ranking.candidates(rows, len(x) - 1)
    low, high = ranking.bounds(rows, halves)
    exact = ranking.scale * torch.linalg.vector_norm(x[:, None] - x[which], dim=2)
    assert (low <= exact).all()
    assert (exact <= high).all()
    assert ((high - low) / exact).median() < {torch.bfloat16: 0.1, torch.float32: 1e-2, torch.float64: 1e-9}[dtype]


def test_float32_that_is_not_what_it_says_is_not_used():
    torch.set_float32_matmul_precision("medium")
    try:
        for device in ("cpu", "cuda"):
            assert torch.float32 not in list(nearest_neighbours.precisions(torch.device(device)))
    finally:
        torch.set_float32_matmul_precision("highest")
    for device in ("cpu", "cuda"):
        assert torch.float32 in list(nearest_neighbours.precisions(torch.device(device)))
    assert torch.bfloat16 not in list(nearest_neighbours.precisions(torch.device("cuda")))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(8, 150), p=st.integers(31, 50), digits=st.integers(0, 2))
def test_rounded_observations_with_copies_and_ties(seed, n, p, digits):
    x = np.random.default_rng(seed).normal(size=(n, p)).round(digits)
    x[n // 2 :: 7] = x[0]
    different = np.unique(x, axis=0)
    if len(different) > 4:
        table = nearest(x, 4)
        assert table.n_duplicates == n - len(different)
        np.testing.assert_allclose(table.distances, brute(x[table.rows], 4), rtol=1e-11)


# Copies


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int64])
def test_copies_are_told_from_others_exactly(dtype, rng):
    x = rng.integers(0, 3, size=(500, 4)).astype(dtype)
    rows = distinct_rows(torch.from_numpy(x))
    _, expected = np.unique(x, axis=0, return_index=True)
    assert rows.tolist() == sorted(expected.tolist())


def test_zeros_of_either_sign_are_equal():
    assert distinct_rows(torch.tensor([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0]])).tolist() == [0, 2]


def test_rows_that_share_a_hash_are_compared(monkeypatch):
    from vaehub.plugins.intrinsic_dimension import duplicates

    monkeypatch.setattr(duplicates, "_hashes", lambda x: torch.zeros(len(x), dtype=torch.int64))
    assert distinct_rows(torch.tensor([[1.0], [2.0], [1.0], [3.0], [2.0]])).tolist() == [0, 1, 3]


def test_copies_are_dropped_and_counted_and_rows_are_those_given(rng):
    x = rng.normal(size=(100, 40))
    table = nearest(np.vstack([x[:30], x]), 5)
    assert table.n_duplicates == 30
    assert table.rows.tolist() == [*range(30), *range(60, 130)]
    np.testing.assert_array_equal(table.distances, nearest(x, 5).distances)
    assert set(table.indices.ravel().tolist()) <= set(table.rows.tolist())


def test_differences_too_small_to_be_squared_are_at_distance_zero():
    x = np.vstack([np.linspace(0, 1, 40)[:, None] * np.ones(40), np.full((1, 40), 1e-200)])
    table = nearest(x, 3)
    assert table.n_duplicates == 0
    assert (~table.is_apart).sum() == 2


# Kinds of arrays


def test_images_are_flattened_and_any_numbers_are_taken(rng):
    x = rng.integers(0, 256, size=(60, 1, 6, 6)).astype(np.uint8)
    expected = nearest(x.reshape(60, 36).astype(np.float64), 4)
    for kind in (x, torch.from_numpy(x), torch.from_numpy(x).float().requires_grad_(), x.astype(np.int64)):
        np.testing.assert_allclose(nearest(kind, 4).distances, expected.distances, rtol=1e-14)


# What is refused


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), r"rows of values, \(n, p\), and these have shape \(5,\)"),
        (np.zeros((0, 3)), r"have shape \(0, 3\)"),
        (np.zeros((5, 3), dtype=complex), "real numbers, and these are torch.complex128"),
        (np.array([[1.0, np.nan], [0, 0], [np.inf, 1]]), "2 of 3 observations have NaN or infinite values"),
        (np.arange(8.0).reshape(4, 2), "need 5 different observations, and there are 4 among the 4 given; give more"),
        (np.ones((9, 2)), "there are 1 among the 9 given, 8 of them copies of others"),
        (1e200 * np.eye(9), r"values of up to 1e\+200 cannot be squared in float64; scale them to between"),
        (1e-200 * np.eye(9), "values of up to 1e-200 cannot be squared in float64"),
    ],
)
def test_what_has_no_neighbours_is_refused(x, message):
    with pytest.raises(DataError, match=message):
        nearest(x, 4)


# Size


@pytest.mark.slow
def test_memory_is_bounded_by_blocks(rng):
    from pathlib import Path

    def resident(name):
        [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
        return int(line.split()[1]) / 1024

    x = torch.from_numpy(rng.normal(size=(20_000, 20)) @ rng.normal(size=(20, 784))).float()
    nearest(x[:500], 20)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    nearest(x, 20)
    # All pairs would be 3 GiB in float64, and differences of all neighbours 2.3.
    assert resident("VmHWM") - before < 400


@pytest.mark.gpu
def test_a_gpu_gives_the_same(rng):
    for make in (clusters, outlier, binary, pairs):
        x = make(rng)
        found, expected = nearest(torch.from_numpy(x).cuda(), 10), nearest(x, 10)
        np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-11)
