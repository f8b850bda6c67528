"""Types and dependence, in cases that can be worked out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.plugins.polarised.kernels import (
    averaged_mutual_information,
    correlation,
    covariance,
    effective_rank,
    is_constant,
    mutual_information_matrix,
    n_correlated,
    total_correlation,
    wasserstein_correlation,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}
SCALARS = (total_correlation, averaged_mutual_information, effective_rank, wasserstein_correlation)
seeds = st.integers(0, 10_000)


def some(seed, n=200, latent_dim=4):
    """A representation whose latents depend on each other."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, latent_dim)) @ rng.normal(size=(latent_dim, latent_dim)) + 3


def unrelated(r, k, seed=0):
    """Columns that have no sample correlation with others, nor with each other."""
    columns = np.column_stack([np.ones(len(r)), r, np.random.default_rng(seed).normal(size=(len(r), k))])
    return np.linalg.qr(columns)[0][:, -k:] * math.sqrt(len(r))


# Against independent code


@pytest.fixture
def unsupervised(oracles):
    return np.load(oracles / "unsupervised.npz")


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (total_correlation, "tc_gaussian"),
        (total_correlation, "tc_gaussian_corr"),
        (wasserstein_correlation, "wasserstein_correlation"),
        (mutual_information_matrix, "mi_matrix"),
        (averaged_mutual_information, "mi_average"),
        (effective_rank, "effective_rank_cov"),
        (lambda r: covariance(r).trace(), "cov_trace"),
    ],
)
def test_dependence_agrees_with_published_code(unsupervised, kernel, expected):
    np.testing.assert_allclose(kernel(unsupervised["Z"]), unsupervised[expected], **EXACT)


def test_total_correlation_agrees_with_a_determinant():
    c = np.cov(some(1), rowvar=False)
    expected = 0.5 * (np.log(np.diag(c)).sum() - np.linalg.slogdet(c)[1])
    assert total_correlation(some(1)) == pytest.approx(expected, rel=1e-10)


def test_mutual_information_agrees_with_a_histogram_of_each_pair():
    r = some(2, n=500, latent_dim=3)
    found = mutual_information_matrix(r, bins=7)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        p = np.histogram2d(r[:, i], r[:, j], bins=7)[0] / 500
        product = p.sum(axis=1, keepdims=True) * p.sum(axis=0)
        assert found[i, j] == pytest.approx((p[p > 0] * np.log(p[p > 0] / product[p > 0])).sum(), rel=1e-10)


def test_counting_in_chunks_changes_nothing(monkeypatch):
    whole = mutual_information_matrix(some(0))
    monkeypatch.setattr("vaehub.analysis.binning.VALUES_AT_ONCE", 1)
    assert (mutual_information_matrix(some(0)) == whole).all()


# Total correlation


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_total_correlation_knows_neither_order_nor_scale_nor_shift(seed):
    r, rng = some(seed), np.random.default_rng(seed)
    found = total_correlation(r)
    assert found >= 0
    changed = (r * rng.uniform(0.1, 10, size=4) - rng.normal(size=4))[rng.permutation(200)][:, rng.permutation(4)]
    assert total_correlation(changed) == pytest.approx(found, rel=1e-7)


@given(st.floats(-0.999, 0.999))
@settings(max_examples=30, deadline=None)
def test_total_correlation_of_two_is_that_of_their_correlation(rho):
    a, b = unrelated(np.empty((50, 0)), 2).T
    r = np.column_stack([a, rho * a + math.sqrt(1 - rho**2) * b])
    assert total_correlation(r) == pytest.approx(-0.5 * math.log(1 - rho**2), rel=1e-9, abs=1e-12)


@given(seeds, st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_uncorrelated_latents_leave_total_correlation_as_it_is(seed, k):
    r = some(seed)
    more = np.column_stack([r, unrelated(r, k, seed)])
    assert total_correlation(more) == pytest.approx(total_correlation(r), rel=1e-8)


def test_independent_normal_latents_leave_total_correlation_but_for_sampling():
    """Each pair with a new latent adds 1 / (2 n) in expectation, with a standard deviation of 1 / (sqrt(2) n)."""
    r, n, n_new = some(0, n=20_000), 20_000, 5 * 4 + 10
    added = total_correlation(np.column_stack([r, np.random.default_rng(1).normal(size=(n, 5))])) - total_correlation(r)
    assert added == pytest.approx(n_new / (2 * n), abs=4 * math.sqrt(n_new / 2) / n)


def test_a_linear_function_of_others_makes_total_correlation_infinite(rng):
    r = some(0)
    assert total_correlation(np.column_stack([r, r @ rng.normal(size=4)])) == math.inf
    assert total_correlation(np.column_stack([r, -7 * r[:, 0] + 1])) == math.inf


def test_total_correlation_is_undefined_with_a_constant_or_too_few_observations():
    r = some(0)
    assert math.isnan(total_correlation(np.column_stack([r, np.full(200, 0.1)])))
    assert math.isnan(total_correlation(r[:4]))
    assert math.isfinite(total_correlation(r[:5]))


# Mutual information


@given(seeds, st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_independent_latents_lower_averaged_mutual_information_by_the_number_of_pairs(seed, k):
    """Each row is there once with each combination of values of the new latents: nothing is left to chance."""
    r = some(seed, n=40, latent_dim=3)
    levels = np.array(np.meshgrid(*[[0.0, 0.3, 1.0]] * k)).reshape(k, -1).T
    more = np.column_stack([np.repeat(r, len(levels), axis=0), np.tile(levels, (40, 1))])
    share = (3**2 - 3) / ((3 + k) ** 2 - (3 + k))
    assert averaged_mutual_information(more) == pytest.approx(share * averaged_mutual_information(r), rel=1e-9)


def test_independent_normal_latents_lower_it_likewise_but_for_the_bias_of_counts():
    n, r = 20_000, some(0, n=20_000)
    more = np.column_stack([r, np.random.default_rng(1).normal(size=(n, 4))])
    bias = 19**2 / (2 * n)
    lowered = averaged_mutual_information(more) - (16 - 4) / (64 - 8) * averaged_mutual_information(r)
    assert 0 < lowered < bias


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_mutual_information_is_symmetric_and_knows_neither_order_nor_scale(seed):
    r, rng = some(seed), np.random.default_rng(seed)
    found = mutual_information_matrix(r)
    assert (found == found.T).all()
    assert (found >= 0).all()
    assert (found.diagonal() == 0).all()
    np.testing.assert_allclose(mutual_information_matrix(4 * r[rng.permutation(200)]), found, rtol=1e-9, atol=1e-12)


def test_a_copy_tells_all_that_its_bins_do():
    values = np.arange(400.0)
    assert averaged_mutual_information(np.column_stack([values, -2 * values]), bins=10) == pytest.approx(math.log(10))


def test_a_constant_tells_nothing_and_one_latent_has_no_pair():
    r = np.column_stack([some(0), np.full(200, 0.1)])
    assert (mutual_information_matrix(r)[4] == 0).all()
    assert math.isnan(averaged_mutual_information(r[:, :1]))


# Effective rank


@given(seeds, st.sampled_from(["covariance", "data"]))
@settings(max_examples=30, deadline=None)
def test_effective_rank_is_between_1_and_latent_dim_and_knows_no_scale_or_rotation(seed, of):
    r, rng = some(seed), np.random.default_rng(seed)
    found = effective_rank(r, of=of)
    assert 1 <= found <= 4
    turned = 1e-200 * (r @ np.linalg.qr(rng.normal(size=(4, 4)))[0])
    assert effective_rank(turned, of=of) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("of", ["covariance", "data"])
def test_effective_rank_of_what_spreads_alike_or_on_a_line(of):
    alike = unrelated(np.empty((60, 0)), 5)
    assert effective_rank(alike, of) == pytest.approx(5, rel=1e-12)
    assert effective_rank(np.outer(alike[:, 0], [1, 2, 0, -3]), of) == pytest.approx(1, rel=1e-9)
    assert math.isnan(effective_rank(np.full((60, 3), 0.3), of))


def test_effective_rank_of_data_is_that_of_the_roots():
    r = unrelated(np.empty((60, 0)), 2) * [1, 3]
    for of, shares in (("covariance", np.array([0.1, 0.9])), ("data", np.array([0.25, 0.75]))):
        assert effective_rank(r, of) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


def test_another_rank_is_refused():
    with pytest.raises(VaehubError, match="'covariance' or 'data', not of 'samples'"):
        effective_rank(some(0), of="samples")


# Correlation


def test_correlation_agrees_with_numpy_and_has_ones_on_its_diagonal():
    found = correlation(some(0))
    np.testing.assert_allclose(found, np.corrcoef(some(0), rowvar=False), rtol=1e-12)
    assert (found.diagonal() == 1).all()


def test_a_constant_has_no_correlation_and_counts_for_no_other():
    r = np.column_stack([some(0), np.full(200, 0.1)])
    matrix = correlation(r)
    assert np.isnan(matrix[4]).all()
    assert not np.isnan(matrix[:4, :4]).any()
    assert is_constant(r).tolist() == [False] * 4 + [True]
    found = n_correlated(matrix)
    assert np.isnan(found[4])
    assert found[:4].tolist() == n_correlated(matrix[:4, :4]).tolist()


def test_others_above_the_threshold_are_counted_on_either_side_of_0():
    matrix = np.array([[1, 0.3, -0.3], [0.3, 1, 0.2], [-0.3, 0.2, 1]])
    assert n_correlated(matrix).tolist() == [2, 1, 1]
    assert n_correlated(matrix, threshold=0.1).tolist() == [2, 2, 2]


def test_wasserstein_correlation_is_0_without_correlation_and_grows_with_the_square_of_the_scale():
    assert wasserstein_correlation(unrelated(np.empty((50, 0)), 4)) == pytest.approx(0, abs=1e-10)
    assert wasserstein_correlation(3 * some(0)) == pytest.approx(9 * wasserstein_correlation(some(0)))


# What is common


@pytest.mark.parametrize("kernel", SCALARS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_value_that_is_no_number_leaves_all_undefined(kernel, wrong):
    r = some(0)
    r[3, 1] = wrong
    assert math.isnan(kernel(r))


@pytest.mark.parametrize("kernel", [*SCALARS, correlation])
@pytest.mark.parametrize("shape", [(10,), (1, 3), (10, 0), (2, 3, 4)])
def test_other_shapes_are_refused(kernel, shape):
    with pytest.raises(VaehubError, match="has shape .n, latent_dim., with 2 observations at least, got"):
        kernel(np.ones(shape))


@pytest.mark.parametrize("kernel", [*SCALARS, correlation, mutual_information_matrix])
def test_tensors_are_worked_on_in_float64(kernel):
    r = some(0).astype(np.float32)
    found = kernel(torch.as_tensor(r))
    assert np.asarray(found).dtype == np.float64
    np.testing.assert_allclose(found, kernel(r.astype(np.float64)), rtol=1e-12)
