"""Correlation, its p-value and its intervals, against SciPy and in cases that can be worked out."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from vaehub import VaehubError, generator
from vaehub.plugins.correlation import kernels
from vaehub.plugins.correlation.kernels import bootstrap_intervals, n_pairs, p_value, pearson, ranks, spearman

BOTH = pytest.mark.parametrize(("ours", "oracle"), [(spearman, stats.spearmanr), (pearson, stats.pearsonr)])
# Whole numbers, so that ties occur and that monotone maps keep all that is apart apart.
PAIRS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=30)


def columns(pairs):
    x, y = np.array(pairs, dtype=float).T
    assume(np.ptp(x) > 0)
    assume(np.ptp(y) > 0)
    return x, y


def resample(x, y, coefficient, *, n_resamplings=500, confidence=0.95, seed=0):
    return bootstrap_intervals(
        x,
        y,
        coefficient,
        n_resamplings=n_resamplings,
        confidence=confidence,
        generator=generator(seed, "test"),
    )


@BOTH
@given(PAIRS)
def test_coefficient_and_p_value_are_those_of_scipy(ours, oracle, pairs):
    x, y = columns(pairs)
    expected, probability = oracle(x, y)
    found, p = ours(x, y)
    assert found == pytest.approx(expected, abs=1e-12)
    if abs(expected) < 1 - 1e-9:
        assert p == pytest.approx(probability, rel=1e-6)


@BOTH
def test_many_features_are_measured_as_one_by_one(ours, oracle, rng):
    x, y = rng.integers(0, 6, size=(40, 5)), rng.normal(size=40)
    found, p = ours(x, y)
    assert found.shape == p.shape == (5,)
    for i in range(5):
        assert (found[i], p[i]) == pytest.approx(tuple(oracle(x[:, i], y)), rel=1e-10)


@BOTH
def test_a_pair_with_a_nan_is_left_out_of_its_own_feature_only(ours, oracle, rng):
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    x[3, 0] = x[7, 1] = x[9, 1] = y[20] = np.nan
    found, p = ours(x, y)
    assert n_pairs(x, y).tolist() == [28, 27, 29]
    for i in range(3):
        whole = ~np.isnan(x[:, i]) & ~np.isnan(y)
        assert (found[i], p[i]) == pytest.approx(tuple(oracle(x[whole, i], y[whole])), rel=1e-10)


@given(PAIRS)
def test_spearman_ignores_what_keeps_the_order(pairs):
    x, y = columns(pairs)
    assert spearman(np.exp(x), y**3)[0] == pytest.approx(spearman(x, y)[0], abs=1e-12)


@given(PAIRS, st.floats(0.01, 100), st.floats(-100, 100))
def test_pearson_ignores_scale_and_shift(pairs, scale, shift):
    x, y = columns(pairs)
    assert pearson(scale * x + shift, y)[0] == pytest.approx(pearson(x, y)[0], abs=1e-9)


@pytest.mark.parametrize("ours", [spearman, pearson])
@given(PAIRS)
def test_a_coefficient_is_symmetric_and_turns_its_sign_with_a_variable(ours, pairs):
    x, y = columns(pairs)
    assert ours(y, x)[0] == pytest.approx(ours(x, y)[0], abs=1e-12)
    assert ours(-x, y)[0] == pytest.approx(-ours(x, y)[0], abs=1e-12)
    assert ours(x[::-1], y[::-1])[0] == pytest.approx(ours(x, y)[0], abs=1e-12)


def test_spearman_without_ties_is_one_less_the_squared_differences_of_ranks(rng):
    """1 - 6 sum d^2 / (n (n^2 - 1)): Spearman 1904."""
    x, y = rng.permutation(12) + 1.0, rng.permutation(12) + 1.0
    assert spearman(x, y)[0] == pytest.approx(1 - 6 * ((x - y) ** 2).sum() / (12 * (12**2 - 1)))


@pytest.mark.parametrize("shape", [(40,), (3, 40), (2, 3, 40), (0,), (3, 0)])
def test_ranks_are_those_of_scipy(rng, shape):
    values = rng.integers(-5, 5, shape).astype(float)
    values[rng.random(shape) < 0.2] = np.nan
    values[rng.random(shape) < 0.2] = np.inf
    values[..., :1] = -np.inf
    found = ranks(torch.from_numpy(values))
    assert found.dtype == torch.float64
    np.testing.assert_array_equal(found, stats.rankdata(values, axis=-1, nan_policy="omit").reshape(shape))


def test_ranks_of_whole_numbers_and_of_another_order_in_memory(rng):
    values = torch.from_numpy(rng.integers(0, 9, (40, 3)))
    np.testing.assert_array_equal(ranks(values.T), stats.rankdata(values.numpy(), axis=0).T)


def test_tied_values_have_the_mean_of_their_ranks():
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4."""
    assert spearman(np.array([1.0, 2.0, 2.0, 3.0]), np.arange(4.0))[0] == pytest.approx(np.sqrt(0.9))


@pytest.mark.parametrize(
    ("rho", "printed", "digit"),
    [
        (0.8569, 2.45e-18, 1e-20),
        (-0.6298, 7.02e-8, 1e-10),
        (0.4751, 1.25e-4, 1e-6),
        (0.3466, 6.67e-3, 1e-5),
        (0.2753, 3.33e-2, 1e-4),
        (0.2477, 5.64e-2, 1e-4),
    ],
)
def test_p_values_are_the_published_ones_of_sixty_runs(rho, printed, digit):
    """Müller et al. 2025, Table 3.3: what rounding to four digits leaves open, and to three."""
    least, most = p_value(np.abs(rho) + np.array([5e-5, -5e-5]), 60)
    assert least - digit / 2 <= printed <= most + digit / 2
    assert p_value(np.array(rho), 60) == pytest.approx(printed, rel=0.01)


@pytest.mark.parametrize("n", [3, 10, 1000])
def test_a_perfect_correlation_has_a_p_value_of_zero(n):
    x = np.linspace(0.1, 7.3, n)
    for ours in (spearman, pearson):
        assert ours(x, 0.3 * x + 0.7) == (1, 0)
        assert ours(x, -x / 7) == (-1, 0)
    assert spearman(x, -np.exp(x)) == (-1, 0)


@pytest.mark.parametrize("ours", [spearman, pearson])
@pytest.mark.parametrize(
    "x",
    [
        np.full(20, 0.1),
        np.r_[np.full(19, 0.1), np.nextafter(0.1, 1)],  # an average of the same values, added in another order
        np.full(20, np.nan),
        np.r_[1.0, 2.0, np.full(18, np.nan)],
    ],
    ids=["constant", "constant but for rounding", "missing", "two pairs"],
)
def test_where_there_is_no_correlation_it_is_nan(ours, x, rng):
    y = rng.normal(size=20)
    assert np.isnan([*ours(x, y), *ours(np.nan_to_num(x, nan=1.0), np.ones(20))]).all()
    found, p = ours(np.stack([x, y], axis=1), y)
    assert np.isnan([found[0], p[0]]).all()
    assert found[1] == pytest.approx(1)
    for ends in resample(np.stack([x, y], axis=1), y, ours.__name__):
        assert np.isnan(ends[0])
        assert ends[1] == pytest.approx(1)


def test_an_infinite_value_has_a_rank_and_no_linear_correlation():
    x, y = np.array([1.0, 2.0, np.inf, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
    assert spearman(x, y)[0] == pytest.approx(1)
    assert np.isnan(pearson(x, y)).all()


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_squares_outside_of_the_range_of_numbers_do_no_harm(scale, rng):
    x, y = rng.normal(size=(2, 20))
    assert pearson(scale * x, y)[0] == pytest.approx(pearson(x, y)[0])


@pytest.mark.parametrize("coefficient", ["spearman", "pearson"])
def test_an_interval_holds_percentiles_of_scipys_coefficient_over_resampled_rows(coefficient, rng):
    x, y = rng.integers(0, 9, size=(25, 2)), rng.normal(size=25)
    low, high = resample(x, y, coefficient, n_resamplings=40, confidence=0.8)
    drawn = torch.randint(25, (40, 25), generator=generator(0, "test")).numpy()
    oracle = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}[coefficient]
    for i in range(2):
        found = [oracle(x[rows, i], y[rows])[0] for rows in drawn]
        assert (low[i], high[i]) == pytest.approx(tuple(np.quantile(found, [0.1, 0.9])))


def test_resamplings_in_which_a_column_is_constant_are_left_out(rng):
    x = np.r_[1.0, np.zeros(9)]
    low, high = resample(x, np.arange(10.0), "spearman")
    assert -1 <= low < high < 0


@pytest.mark.parametrize("coefficient", ["spearman", "pearson"])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(coefficient, rng):
    """Of 60 normal pairs; percentiles hold it a little less often, by a few hundredths at this size."""
    truth, n_studies = 0.5, 150
    expected = 6 / np.pi * np.arcsin(truth / 2) if coefficient == "spearman" else truth
    held = 0
    for study in range(n_studies):
        x, y = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], size=60).T
        low, high = resample(x, y, coefficient, n_resamplings=200, confidence=0.9, seed=study)
        held += low <= expected <= high
    # Three standard deviations of a share of 0.9 among 150 are 0.07.
    assert 0.80 <= held / n_studies <= 0.97


def test_the_same_seed_gives_the_same_interval_however_much_is_ranked_together(rng, monkeypatch):
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    first = resample(x, y, "spearman")
    monkeypatch.setattr(kernels, "VALUES_AT_ONCE", 1000)
    np.testing.assert_array_equal(first, resample(x, y, "spearman"))
    assert (resample(x, y, "spearman", seed=1)[0] != first[0]).any()


def test_tensors_are_answered_with_tensors_and_arrays_with_arrays(rng):
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    for ours in (spearman, pearson):
        of_tensors = ours(torch.tensor(x, requires_grad=True), torch.tensor(y))
        assert all(torch.is_tensor(each) for each in of_tensors)
        np.testing.assert_array_equal(ours(x, y), torch.stack(of_tensors))
    assert isinstance(resample(x, y, "pearson")[0], np.ndarray)


@pytest.mark.parametrize(("x", "y"), [((5, 2), (4,)), ((5, 2), (5, 2)), ((5, 2, 1), (5,)), ((0,), (0,)), ((), ())])
def test_shapes_that_do_not_fit_are_refused(x, y):
    with pytest.raises(VaehubError, match=r"of shape \(n,\) or \(n, p\) and a variable of shape \(n,\), got shapes"):
        spearman(np.ones(x), np.ones(y))
