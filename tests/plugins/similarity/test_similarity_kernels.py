"""Centred kernel alignment against independent code, closed forms, and what must hold of any two representations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform
from scipy.stats import ortho_group

from vaehub import VaehubError
from vaehub.plugins.similarity.centring import Centred
from vaehub.plugins.similarity.inner_products import in_feature_space, in_observation_space
from vaehub.plugins.similarity.kernels import centred_gram, cka_matrix, kernel_cka, linear_cka

EXACT = 1e-9
seeds = st.integers(0, 10_000)


def some(seed, n=40, width=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + rng.normal(size=width)


def similar(x, seed, noise=0.5):
    """A representation that has something of another, of another width."""
    rng = np.random.default_rng(seed + 1)
    return x @ rng.normal(size=(x.shape[1], 3)) + noise * rng.normal(size=(len(x), 3))


def hollow(k):
    """A Gram with the diagonal taken off and rows that sum to 0: Song et al. 2012, written out."""
    n = len(k)
    k = k - np.diag(np.diag(k))
    found = k - k.sum(axis=0) / (n - 2) - k.sum(axis=1)[:, None] / (n - 2) + k.sum() / ((n - 1) * (n - 2))
    return found - np.diag(np.diag(found))


def cosine(k, m):
    return (k * m).sum() / np.linalg.norm(k) / np.linalg.norm(m)


# Independent code


@pytest.mark.parametrize("name", ["X", "Y", "Z", "W"])
@pytest.mark.parametrize("debiased", [False, True])
def test_linear_alignment_agrees_with_the_code_of_the_thesis(oracles, name, debiased):
    expected = np.load(oracles / "similarity.npz")
    wanted = float(expected[f"cka_debiased_X{name}" if debiased else f"cka_X{name}"])
    assert linear_cka(expected["X"], expected[name], debiased=debiased) == pytest.approx(wanted, rel=EXACT)
    single = [torch.tensor(expected[each], dtype=torch.float32) for each in ("X", name)]
    assert linear_cka(*single, debiased=debiased) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("width", [3, 60])
def test_the_debiased_alignment_is_that_of_hollow_grams(width):
    x = some(0, width=width)
    y = similar(x, 0)
    assert linear_cka(x, y, debiased=True) == pytest.approx(cosine(hollow(x @ x.T), hollow(y @ y.T)), rel=EXACT)


@pytest.mark.parametrize("debiased", [False, True])
def test_the_alignment_with_a_radial_basis_function_agrees_with_its_definition(debiased):
    x = some(0, n=31)
    y = similar(x, 0)
    grams = []
    for each in (x, y):
        distances = pdist(each)
        k = np.exp(-(squareform(distances) ** 2) / (2 * (0.4 * np.median(distances)) ** 2))
        h = np.eye(31) - 1 / 31
        grams.append(hollow(k) if debiased else h @ k @ h)
    assert kernel_cka(x, y, bandwidth=0.4, debiased=debiased) == pytest.approx(cosine(*grams), rel=EXACT)


def test_a_wide_radial_basis_function_is_linear():
    x = some(3)
    y = similar(x, 3)
    assert kernel_cka(x, y, bandwidth=1e3) == pytest.approx(linear_cka(x, y), rel=1e-4)


# Closed forms


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_of_one_number_it_is_the_square_of_the_correlation(seed):
    x = some(seed, width=2)
    assert linear_cka(x[:, 0], x[:, 1]) == pytest.approx(np.corrcoef(x.T)[0, 1] ** 2, rel=1e-7, abs=1e-12)


def test_of_uncorrelated_columns_of_equal_scale_it_is_the_shared_share():
    """Of 4 columns each, 3 are shared: |X'Y|^2 = 3, and |X'X| |Y'Y| = 4."""
    q = np.linalg.qr(np.column_stack([np.ones(50), some(0, n=50, width=5)]))[0][:, 1:]
    assert linear_cka(q[:, :4], q[:, 1:]) == pytest.approx(0.75, rel=EXACT)


# What must hold


@given(seeds, st.sampled_from([3, 5, 39, 40, 90]), st.floats(-1e3, 1e3).filter(lambda a: abs(a) > 1e-3), st.booleans())
@settings(max_examples=30, deadline=None)
def test_rotation_scale_and_shift_change_nothing(seed, width, scale, debiased):
    x = some(seed, width=width)
    turned = scale * x @ ortho_group.rvs(width, random_state=seed) + 3.0
    y = similar(x, seed)
    assert linear_cka(x, turned, debiased) == pytest.approx(1, rel=EXACT)
    found = linear_cka(x, y, debiased)
    assert linear_cka(turned, y, debiased) == pytest.approx(found, rel=1e-7, abs=1e-9)
    assert linear_cka(y, x, debiased) == pytest.approx(found, rel=EXACT, abs=1e-12)
    assert (-1 if debiased else 0) <= found <= 1


def test_a_general_linear_map_changes_it():
    x = some(0)
    assert linear_cka(x, x * [100, 1, 1, 1, 1]) < 0.9


def test_more_axes_are_flattened_and_more_observations_on_another_axis_are_not():
    x = some(0, width=12)
    y = similar(x, 0)
    assert linear_cka(x.reshape(40, 3, 2, 2), y) == linear_cka(x, y)


def test_observations_belong_together():
    x = some(0)
    y = similar(x, 0)
    assert linear_cka(x, y) > linear_cka(x, y[::-1]) + 0.3


def test_debiasing_takes_off_what_many_columns_add():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 300)), rng.normal(size=(60, 300))
    assert linear_cka(x, y) > 0.7
    assert abs(linear_cka(x, y, debiased=True)) < 0.1


# Two ways to the same number


@given(seeds, st.booleans(), st.sampled_from([2_000, 20_000, 2**28]))
@settings(max_examples=20, deadline=None)
def test_features_and_observations_agree_whatever_the_memory(seed, debiased, memory):
    x = some(seed, n=30, width=4)
    pair = [Centred.of(torch.tensor(each)) for each in (x, similar(x, seed), x[:, :1])]
    few = in_feature_space(pair, debiased=debiased, memory=memory)
    many = in_observation_space(pair, debiased=debiased, memory=memory)
    torch.testing.assert_close(few, many, rtol=1e-9, atol=1e-9 * float(many.max()))


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("memory", [4_000, 2**28])
@pytest.mark.parametrize("widths", [(2, 3, 4), (1, 29, 30, 31, 400), (1000, 700)])
def test_a_matrix_has_the_alignment_of_each_pair(debiased, memory, widths):
    x = some(1, n=30, width=max(widths))
    every = [x[:, :width] + 0.1 * some(width, n=30, width=width) for width in widths]
    found = cka_matrix(every, debiased=debiased, memory=memory)
    pairs = np.array([[linear_cka(a, b, debiased=debiased) for b in every] for a in every])
    np.testing.assert_allclose(found, pairs, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(np.diag(found), 1)


def test_far_more_columns_than_observations_are_those_of_their_gram():
    x, y = (some(seed, n=20, width=3000) for seed in (0, 1))
    h = np.eye(20) - 1 / 20
    k, m = (h @ each @ each.T @ h for each in (x, y))
    assert linear_cka(x, y) == pytest.approx(cosine(k, m), rel=EXACT)


@pytest.mark.parametrize("debiased", [False, True])
def test_the_cosine_of_grams_is_the_alignment(debiased):
    x = some(0)
    y = similar(x, 0)
    grams = [centred_gram(each, debiased=debiased) for each in (x, y)]
    assert cosine(*grams) == pytest.approx(linear_cka(x, y, debiased=debiased), rel=EXACT)
    np.testing.assert_allclose(grams[0].sum(axis=0), 0, atol=1e-12)


def test_numpy_is_answered_with_numpy_and_tensors_with_tensors():
    x = some(0)
    assert isinstance(cka_matrix([x, x]), np.ndarray)
    assert isinstance(centred_gram(x), np.ndarray)
    assert torch.is_tensor(cka_matrix([torch.tensor(x)]))
    assert cka_matrix([torch.tensor(x)]).dtype == torch.float64


# Degenerate input


@pytest.mark.parametrize("constant", [np.zeros((40, 3)), np.full((40, 2), 0.1), np.full((40, 80), 1e9)])
@pytest.mark.parametrize("kernel", [linear_cka, kernel_cka, lambda x, y: linear_cka(x, y, debiased=True)])
def test_a_constant_has_no_alignment(kernel, constant):
    assert math.isnan(kernel(constant, some(0)))
    assert math.isnan(kernel(some(0), constant))
    assert math.isnan(kernel(constant, constant))


def test_what_differs_by_rounding_alone_is_constant():
    x = torch.full((40, 2), 0.3)
    x[::2] = torch.nextafter(x[::2], torch.tensor(1.0))
    assert math.isnan(linear_cka(x, torch.tensor(some(0))))
    assert linear_cka(x.double(), x.double()) == 1


def test_a_constant_in_a_matrix_leaves_the_others():
    found = cka_matrix([some(0), np.ones((40, 2)), some(1)])
    assert np.isnan(found).sum() == 5
    assert found[0, 2] == linear_cka(some(0), some(1))
    assert np.isnan(cka_matrix([np.ones((40, 2))])).all()
    assert np.isnan(centred_gram(np.ones((4, 2)))).all()


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_not_finite_has_no_alignment(wrong):
    x = some(0)
    x[3, 1] = wrong
    assert math.isnan(linear_cka(x, some(1)))
    assert math.isnan(kernel_cka(x, some(1)))


@pytest.mark.parametrize("scale", [1e-200, 1e-300, 1e150])
def test_no_scale_is_too_small_or_too_large(scale):
    assert linear_cka(scale * some(0), some(1)) == pytest.approx(linear_cka(some(0), some(1)), rel=EXACT)


def test_observations_that_are_as_far_from_each_other_as_can_be_say_nothing_once_debiased():
    assert math.isnan(linear_cka(np.eye(10), some(0, n=10), debiased=True))


def test_mostly_equal_observations_have_no_median_distance():
    x = np.tile(some(1, n=1), (40, 1))
    x[:10] = some(2, n=10)
    assert math.isnan(kernel_cka(x, some(0)))


# Wrong calls


def test_wrong_calls_are_refused_with_what_came():
    with pytest.raises(VaehubError, match=r"of the same observations, got shapes \(40, 5\) and \(39, 5\)"):
        linear_cka(some(0), some(0, n=39))
    with pytest.raises(VaehubError, match=r"got shapes \(40, 5\), \(40, 2\) and \(39, 5\)"):
        cka_matrix([some(0), np.ones((40, 2)), some(0, n=39)])
    with pytest.raises(VaehubError, match="needs at least one representation, and there are none"):
        cka_matrix([])
    with pytest.raises(VaehubError, match=r"with at least 2 observations, got shape \(1, 5\)"):
        linear_cka(some(0, n=1), some(0, n=1))
    with pytest.raises(VaehubError, match="debiased CKA needs at least 4 observations, got 3"):
        linear_cka(some(0, n=3), some(0, n=3), debiased=True)
    with pytest.raises(VaehubError, match="bandwidth is 0 and should be greater than 0"):
        kernel_cka(some(0), some(0), bandwidth=0)
