"""Searches of made-up gaps, and traces, entropies and knees in cases that can be worked out."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.plugins.fondue.kernels import (
    batches,
    gram,
    is_monotone,
    ratio_search,
    renyi_entropy,
    renyi_mutual_information,
    rounded_down,
    search,
    structure_preservation_index,
    supervised_search,
    variances,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}


class Gap:
    """A gap that is made up, and remembers what it was asked."""

    def __init__(self, gap):
        self.gap, self.asked = gap, []

    def __call__(self, n):
        self.asked.append(n)
        return self.gap(n)


def step_at(greatest):
    return Gap(lambda n: 0.5 if n <= greatest else 1.5)


# Searches


@pytest.mark.parametrize(
    ("start", "greatest", "trained"),
    [
        (11, 11, [11, 22, 16, 13, 12]),
        (4, 19, [4, 8, 16, 32, 24, 20, 18, 19]),
        (22, 32, [22, 44, 33, 27, 30, 31, 32]),
        (11, 0, [11, 5, 2, 1]),
    ],
)
def test_the_search_trains_the_models_of_algorithm_1(start, greatest, trained):
    gap = step_at(greatest)
    answer, visited = search(gap, start)
    assert answer == greatest
    assert gap.asked == trained == [visit.n for visit in visited]


def test_bounds_are_those_that_are_known_after_each_step():
    found = search(step_at(11), 11)
    assert [tuple(visit) for visit in found.visited] == [
        (11, 0.5, 11, math.inf),
        (22, 1.5, 11, 22),
        (16, 1.5, 11, 16),
        (13, 1.5, 11, 13),
        (12, 1.5, 11, 12),
    ]


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=70), st.integers(1, 70), st.floats(0.1, 2.9), st.integers(70, 100)
)
def test_the_answer_is_the_greatest_within_the_threshold_from_any_start(rises, start, threshold, maximum):
    """Gaps that grow: sums of what each latent adds, exceeded by the maximum at the latest."""
    gaps = np.cumsum(rises)
    gap = Gap(lambda n: float(gaps[n - 1]) if n <= len(gaps) else math.inf)
    found = search(gap, min(start, maximum), threshold, maximum + 1)
    assert found.answer == int((gaps <= threshold).sum())
    assert found.is_monotone
    assert not found.reached_maximum
    assert len(gap.asked) == len(set(gap.asked))


@given(st.lists(st.floats(0, 2), min_size=40, max_size=40), st.integers(1, 40))
def test_any_gaps_come_to_an_end_at_a_crossing_and_none_is_asked_twice(gaps, start):
    gap = Gap(lambda n: gaps[n - 1])
    found = search(gap, start, 1.0, 40)
    assert len(gap.asked) == len(set(gap.asked)) <= 2 * math.log2(40) + 2
    assert found.answer == 0 or gaps[found.answer - 1] <= 1
    assert found.reached_maximum == (found.answer == 40)
    assert found.reached_maximum or gaps[found.answer] > 1


@given(st.integers(1, 60), st.integers(1, 60), st.integers(60, 300))
def test_a_search_that_never_crosses_stops_at_the_maximum_and_says_so(start, lesser, maximum):
    gap = Gap(lambda n: 0.0)
    found = search(gap, min(start, lesser), maximum=maximum)
    assert (found.answer, found.reached_maximum) == (maximum, True)
    assert max(gap.asked) == maximum


def test_a_start_that_is_not_whole_is_rounded_up():
    assert search(step_at(3), 2.2).visited[0].n == 3


@pytest.mark.parametrize("start", [0, -1, 65])
def test_a_start_outside_the_range_is_refused(start):
    with pytest.raises(VaehubError, match=f"starts between 1 and its maximum, which is 64, and not from {start}"):
        search(step_at(3), start, maximum=64)


@pytest.mark.parametrize(
    "searched",
    [lambda gap: search(gap, 4), supervised_search, lambda gap: ratio_search(gap, 0.1, 10)],
)
def test_a_gap_that_is_nan_ends_a_search(searched):
    with pytest.raises(VaehubError, match=r"the gap at \S+ is NaN, and no search can go on from there"):
        searched(lambda n: math.nan)


@given(st.integers(0, 199))
def test_the_supervised_search_finds_the_greatest_within_eight_trainings(greatest):
    gap = step_at(greatest)
    found = supervised_search(gap)
    assert found.answer == greatest
    assert len(gap.asked) == len(set(gap.asked)) <= 8
    assert found.reached_maximum == (greatest == 199)
    assert found.visited[-1].lower == greatest


def test_the_supervised_search_begins_in_the_middle():
    gap = step_at(13)
    supervised_search(gap, upper=200)
    assert gap.asked == [100, 50, 25, 13, 19, 16, 15, 14]
    with pytest.raises(VaehubError, match="from 1 to below its upper one, which is 1"):
        supervised_search(gap, upper=1)


@given(st.floats(0.02, 50), st.floats(0.001, 0.5))
def test_a_search_over_beta_ends_within_its_tolerance(greatest, tolerance):
    gap = Gap(lambda beta: beta / greatest)
    found = ratio_search(gap, 0.01, 100, 1.0, tolerance=tolerance)
    assert found.answer <= greatest < found.visited[-1].upper <= found.answer * (1 + tolerance)
    assert len(gap.asked) == len(set(gap.asked))
    assert found.is_monotone


def test_a_search_over_beta_says_where_the_whole_range_is_on_one_side():
    within, above = (ratio_search(step_at(greatest), 0.1, 10) for greatest in (20, 0.01))
    assert (within.answer, within.reached_maximum, len(within.visited)) == (10, True, 2)
    assert (above.answer, above.reached_maximum, len(above.visited)) == (0, False, 1)
    with pytest.raises(VaehubError, match="from a lower number above 0 to a greater one, and not from 2 to 1"):
        ratio_search(step_at(1), 2, 1)


def test_a_tolerance_below_the_last_digit_ends_too():
    found = ratio_search(step_at(1 / 3), 0.1, 10, tolerance=1e-12)
    assert found.answer == pytest.approx(1 / 3, rel=1e-5)


def test_gaps_are_monotone_in_the_order_of_what_was_varied():
    assert is_monotone([(4, 0.1), (16, 0.3), (8, 0.2), (12, 0.2)])
    assert not is_monotone([(4, 0.1), (8, 0.05)])


# Traces


def test_traces_agree_with_published_code(oracles):
    oracle = np.load(oracles / "unsupervised.npz")
    np.testing.assert_allclose(variances(oracle["Z"]).sum(), oracle["cov_trace"], **EXACT)
    np.testing.assert_allclose(variances(oracle["Z"], 3).sum(), oracle["cov_trace_trunc3"], **EXACT)


def test_variances_are_the_diagonal_of_the_covariance(rng):
    r = rng.normal(size=(50, 4))
    np.testing.assert_allclose(variances(r), np.cov(r, rowvar=False).diagonal(), **EXACT)
    assert np.isnan(variances(r[:1])).all()


def test_rounding_down_goes_towards_minus_infinity():
    values = rounded_down(torch.tensor([0.1239, -0.1231, 2.0], dtype=torch.float64), 3)
    assert values.tolist() == pytest.approx([0.123, -0.124, 2.0], abs=1e-12)


# Rényi entropies


@pytest.fixture
def renyi(oracles):
    return np.load(oracles / "renyi.npz")


def test_entropies_agree_with_published_code(renyi):
    x, y, u = renyi["X"], renyi["Y"], renyi["U"]
    np.testing.assert_allclose(gram(x), renyi["gram_X"], **EXACT)
    np.testing.assert_allclose(renyi_entropy(x), renyi["H_X"], **EXACT)
    np.testing.assert_allclose(renyi_entropy(y), renyi["H_Y"], **EXACT)
    np.testing.assert_allclose(renyi_entropy(x, 1.01), renyi["H_X_alpha101"], rtol=1e-7)
    np.testing.assert_allclose(renyi_mutual_information(x, y), renyi["I_XY"], **EXACT)
    np.testing.assert_allclose(renyi_mutual_information(x, u), renyi["I_XU"], **EXACT)


def test_batches_that_lack_a_row_agree_with_published_code(renyi):
    x, y = renyi["X"], renyi["Y"]
    rows = batches(len(x), 40, compat=True)
    entropies = torch.tensor([renyi_entropy(x[at]) for at in rows], dtype=torch.float64)
    informations = torch.tensor([renyi_mutual_information(x[at], y[at]) for at in rows], dtype=torch.float64)
    assert float(rounded_down(entropies.mean(), 2)) == pytest.approx(float(renyi["compat_H_X_batches40"]), abs=1e-12)
    assert float(rounded_down(informations.mean(), 2)) == pytest.approx(
        float(renyi["compat_I_XY_batches40"]), abs=1e-12
    )


def test_only_whole_batches_count_unless_there_is_none():
    assert batches(2500, 1000) == [slice(0, 1000), slice(1000, 2000)]
    assert batches(700, 1000) == [slice(0, 700)]
    assert batches(80, 40, compat=True) == [slice(0, 39), slice(40, 79)]


@pytest.mark.parametrize("alpha", [1.0, 1.01, 2.0, 3.0])
def test_identical_rows_have_no_entropy_and_distant_ones_all_of_it(alpha):
    for row in (np.zeros(3), np.array([0.1, 0.7, -3.0])):
        assert renyi_entropy(np.tile(row, (64, 1)), alpha) == pytest.approx(0, abs=1e-9)
    # Corners of a simplex of 400 dimensions: all entries have a small spread, and all rows are far apart.
    assert renyi_entropy(np.eye(64, 64) * 5, alpha) == pytest.approx(6, abs=1e-6)


def test_the_entropy_of_order_two_is_the_same_with_and_without_eigenvalues(rng):
    x = rng.normal(size=(40, 2))
    assert renyi_entropy(x, 2.0) == pytest.approx(renyi_entropy(x, 2.0 + 1e-9), abs=1e-6)


def test_the_entropy_of_order_one_is_the_limit(rng):
    x = rng.normal(size=(40, 2))
    assert renyi_entropy(x, 1.0) == pytest.approx(renyi_entropy(x, 1.0 + 1e-7), abs=1e-5)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4))
def test_information_is_symmetric_and_within_the_entropies(seed, p, q):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(30, p)), rng.normal(size=(30, q))
    found = renyi_mutual_information(x, y)
    assert found == pytest.approx(renyi_mutual_information(y, x), abs=1e-10)
    assert -1e-9 <= found <= min(renyi_entropy(x), renyi_entropy(y)) + 1e-9
    assert 0 <= renyi_entropy(x) <= math.log2(30)


def test_information_of_a_constant_is_none_and_of_itself_is_not_the_entropy(rng):
    x = rng.normal(size=(30, 3))
    assert renyi_mutual_information(x, np.ones((30, 2))) == pytest.approx(0, abs=1e-10)
    k = gram(x)
    itself = 2 * renyi_entropy(x) + math.log2(float(((k * k / 30) ** 2).sum()))
    assert renyi_mutual_information(x, x) == pytest.approx(itself, rel=1e-9)


def test_order_of_rows_and_rotations_change_no_entropy(rng):
    x = rng.normal(size=(30, 3))
    x -= x.mean()
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    assert renyi_entropy(x[::-1]) == pytest.approx(renyi_entropy(x), rel=1e-12)
    assert renyi_entropy(7 * x) == pytest.approx(renyi_entropy(x), rel=1e-9)
    # The width is of all entries, whose mean a rotation moves: likenesses keep their order, not their size.
    assert renyi_entropy(x @ turn) == pytest.approx(renyi_entropy(x), rel=0.05)


def test_entropies_of_undefined_input_are_nan_and_wrong_calls_are_refused():
    assert math.isnan(renyi_entropy(np.array([[1.0], [math.nan]])))
    assert math.isnan(renyi_entropy(np.ones((0, 3))))
    assert math.isnan(renyi_mutual_information(np.ones((2, 1)), np.array([[1.0], [math.inf]])))
    with pytest.raises(VaehubError, match=r"got shapes \(3, 2\) and \(4, 2\)"):
        renyi_mutual_information(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(VaehubError, match="order of a Rényi entropy is above 0, got 0"):
        renyi_entropy(np.ones((3, 2)), alpha=0)


def test_tensors_and_images_are_taken_too(rng):
    x = rng.normal(size=(20, 1, 3, 3))
    assert renyi_entropy(torch.as_tensor(x)) == pytest.approx(renyi_entropy(x.reshape(20, 9)), rel=1e-12)


# Structure preservation


def test_structure_is_preserved_by_copies_and_scaling_and_not_by_noise(rng):
    x = rng.normal(size=(60, 5))
    assert structure_preservation_index(x, x) == 0
    assert structure_preservation_index(x, 3.5 * x) == pytest.approx(0, abs=1e-10)
    other = rng.normal(size=(60, 5))
    assert structure_preservation_index(x, other) > 5
    assert structure_preservation_index(x, other) == pytest.approx(structure_preservation_index(other, x), rel=1e-12)


def test_the_index_agrees_with_its_formula_and_is_chunked(rng):
    x, y = rng.normal(size=(1100, 4)), rng.normal(size=(1100, 4))
    cosines = [each @ each.T / np.outer(*[np.linalg.norm(each, axis=1)] * 2) for each in (x, y)]
    total = np.abs(cosines[0] - cosines[1]).sum()
    assert structure_preservation_index(x, y) == pytest.approx(total / 1100, rel=1e-10)
    assert structure_preservation_index(x, y, per_pair=True) == pytest.approx(total / 1100**2, rel=1e-10)


def test_an_observation_of_nothing_has_no_angle(rng):
    x = rng.normal(size=(5, 3))
    y = x.copy()
    y[2] = 0
    assert math.isnan(structure_preservation_index(x, y))
    with pytest.raises(VaehubError, match=r"the shape of their observations, \(5, 3\), got \(4, 3\)"):
        structure_preservation_index(x, x[:4])


# The manifest


def test_the_manifest_and_the_parameters_load_no_torch():
    code = (
        "import sys; from vaehub.plugins import fondue; fondue.vaehub_catalog(); import vaehub.plugins.fondue.params; "
        "print([name for name in ('torch', 'scipy', 'numpy', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
