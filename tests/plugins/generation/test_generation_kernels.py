"""Fréchet and kernel distances against closed forms and independent code."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from vaehub import VaehubError
from vaehub.plugins.generation.kernels import frechet_distance, frechet_terms, kernel_distance, polynomial_mmd2


def with_deviations(deviations, n, seed):
    """Return rows whose sample covariance is exactly diagonal, and whose mean is 0."""
    p = len(deviations)
    x = np.random.default_rng(seed).normal(size=(n, p))
    orthonormal = np.linalg.qr(x - x.mean(axis=0))[0]
    return orthonormal * math.sqrt(n - 1) * np.asarray(deviations)


# Fréchet


def test_it_is_what_the_evaluation_code_of_ard_gives(oracles):
    with np.load(oracles / "prd_fid.npz") as known:
        assert frechet_distance(known["eval_embed"], known["ref_embed"]) == pytest.approx(float(known["frechet"]), 1e-9)


def test_it_is_the_printed_formula(rng):
    x, y = rng.normal(size=(300, 7)) @ rng.normal(size=(7, 7)), rng.normal(size=(200, 7)) @ rng.normal(size=(7, 7)) + 1
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    expected = shift + np.trace(cov_x + cov_y - 2 * sqrtm(cov_x @ cov_y).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)
    assert frechet_terms(x, y).mean == pytest.approx(shift, rel=1e-9)


@pytest.mark.parametrize("shape", [(200, 20), (20, 200)])
def test_a_set_is_at_no_distance_from_itself_and_noise_takes_it_away(rng, shape):
    x = rng.normal(size=shape) @ np.diag(np.geomspace(1, 1e-6, shape[1]))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-12)
    distances = [frechet_distance(x, x + scale * rng.normal(size=shape)) for scale in (0.1, 1, 10)]
    assert 0 < distances[0] < distances[1] < distances[2]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.integers(0, 100))
@settings(deadline=None, max_examples=50)
def test_of_equal_covariances_it_is_the_squared_distance_of_means(shift, seed):
    x = np.random.default_rng(seed).normal(size=(30, len(shift)))
    assert frechet_distance(x, x + np.array(shift)) == pytest.approx(np.square(shift).sum(), rel=1e-9, abs=1e-9)


def test_of_commuting_covariances_it_is_that_of_standard_deviations():
    first, second = np.array([3.0, 1.0, 0.5, 0.0]), np.array([1.0, 1.0, 2.0, 0.0])
    x, y = with_deviations(first, 50, 0), with_deviations(second, 80, 1)
    assert frechet_distance(x, y) == pytest.approx(np.square(first - second).sum(), rel=1e-9)


def test_it_is_symmetric_and_ignores_rotations_and_constant_features(rng):
    x, y = rng.normal(size=(60, 5)), 2 * rng.normal(size=(40, 5)) + 1
    expected, turn = frechet_distance(x, y), ortho_group.rvs(5, random_state=0)
    assert frechet_distance(y, x) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(expected, rel=1e-9)
    wide = [np.hstack([each, np.full((len(each), 100), 7.0)]) for each in (x, y)]
    assert frechet_distance(*wide) == pytest.approx(expected, rel=1e-9)


def test_with_fewer_samples_than_features_it_is_the_formula_still(rng):
    x, y = rng.normal(size=(12, 30)), rng.normal(size=(9, 30)) + 1
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values = np.linalg.eigvals(cov_x @ cov_y).real.clip(min=0)
    shift = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    expected = shift + np.trace(cov_x) + np.trace(cov_y) - 2 * np.sqrt(values).sum()
    # The roots of eigenvalues that should be 0 are good to half the digits.
    assert frechet_distance(x, y) == pytest.approx(expected, abs=1e-5)


def test_few_samples_make_it_too_great(rng):
    draws = [frechet_distance(rng.normal(size=(n, 10)), rng.normal(size=(n, 10))) for n in (15, 150, 1500)]
    assert draws[0] > draws[1] > draws[2] > 0


def test_tensors_are_taken_too_and_measured_in_double(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 1
    expected = frechet_distance(x.astype(np.float32), y.astype(np.float32))
    found = frechet_distance(torch.from_numpy(x).float(), torch.from_numpy(y).float())
    assert found == pytest.approx(expected, rel=1e-12)


def test_of_features_that_are_not_finite_it_is_nan(rng):
    x = rng.normal(size=(20, 3))
    broken = x.copy()
    broken[4, 1] = np.inf
    assert math.isnan(frechet_distance(x, broken))


@pytest.mark.parametrize("kernel", [frechet_distance, polynomial_mmd2, kernel_distance])
@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((20, 3), (20, 4)), r"two sets of the same features are compared, .* \(20, 3\) and \(20, 4\)"),
        (((20, 3, 1), (20, 3, 1)), "two sets of the same features are compared"),
        (((20, 0), (20, 0)), "two sets of the same features are compared"),
        (((20, 3), (1, 3)), "each set needs 2 observations at least, got 20 and 1"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(kernel, shapes, words):
    with pytest.raises(VaehubError, match=words):
        kernel(*(np.ones(shape) for shape in shapes))


# Kernel


def test_it_is_what_torch_fidelity_gives(oracles):
    with np.load(oracles / "torch_fidelity.npz") as known:
        found = polynomial_mmd2(known["x"], known["y"][:240])
        assert found == pytest.approx(float(known["mmd2"]), rel=1e-9)


def test_it_is_the_mean_over_pairs_of_different_observations(rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))

    def mean(a, b):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if a is not b or i != j]
        return np.mean([(a[i] @ b[j] / 3 + 1) ** 2 for i, j in pairs])

    assert polynomial_mmd2(x, y, degree=2) == pytest.approx(mean(x, x) + mean(y, y) - 2 * mean(x, y), rel=1e-9)


def test_it_is_unbiased_and_below_zero_half_of_the_time(rng):
    found = np.array([polynomial_mmd2(*rng.normal(size=(2, 20, 4))) for _ in range(400)])
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(len(found))
    assert 0.3 < (found < 0).mean() < 0.8


def test_subsets_of_one_distribution_are_around_zero_and_of_two_above(rng):
    x, y = rng.normal(size=(400, 5)), rng.normal(size=(400, 5))
    alike, other = (kernel_distance(x, each, n_subsets=30, subset_size=100) for each in (y, 1.3 * y + 0.5))
    assert abs(alike.mean) < alike.sd
    assert other.values.min() > 0
    assert (other.mean, other.sd) == pytest.approx((other.values.mean(), other.values.std()))


def test_a_subset_of_all_is_the_whole_and_a_seed_decides_the_others(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 1
    whole = kernel_distance(x, y, n_subsets=2, subset_size=50)
    assert whole.mean == pytest.approx(polynomial_mmd2(x, y), rel=1e-9)
    runs = [
        kernel_distance(x, y, 3, 20, generator=torch.Generator().manual_seed(seed)).values.tolist()
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_subsets_larger_than_a_set_are_refused(rng):
    with pytest.raises(VaehubError, match="subsets of 1000 cannot be drawn from 50 and 60; take smaller ones"):
        kernel_distance(rng.normal(size=(50, 3)), rng.normal(size=(60, 3)))
