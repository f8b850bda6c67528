"""Estimates against independent code, closed forms and manifolds of known dimension."""

import math

import manifolds
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import betaln
from scipy.stats import ortho_group

from vaehub import VaehubError
from vaehub.plugins.intrinsic_dimension.kernels import (
    Neighbours,
    gride_of,
    local_of,
    mle,
    mle_in_runs,
    mle_of,
    nearest,
    retained,
    two_nn,
    two_nn_line,
    two_nn_of,
)

EXACT = 1e-9


def table_of(distances):
    distances = np.array(distances, dtype=float)
    return Neighbours(distances, np.zeros(distances.shape, dtype=np.int64), np.arange(len(distances)), 0)


# Independent code


@pytest.fixture
def expected(oracles):
    return np.load(oracles / "intrinsic_dimension.npz")


@pytest.mark.parametrize("name", ["swiss10", "sphere5", "digits"])
@pytest.mark.parametrize("k", [3, 5, 10, 20])
def test_mle_agrees_with_scikit_dimension_and_the_code_of_the_thesis(expected, name, k):
    x = expected[name].astype(float)
    for key, aggregation, normaliser in [
        ("skdim_mle_mean", "mean", "k-1"),
        ("skdim_mle_mle", "pooled", "k-1"),
        ("skdim_mle_median", "median", "k-1"),
        ("vaeld_mle", "pooled", "k-2"),
    ]:
        found = mle(x, k, aggregation, normaliser)
        assert found == pytest.approx(float(expected[f"{name}_{key}_k{k}"]), rel=EXACT)


@pytest.mark.parametrize("name", ["swiss10", "sphere5", "digits"])
def test_twonn_agrees_with_scikit_dimension_and_the_code_of_the_thesis(expected, name):
    x = expected[name].astype(float)
    assert two_nn(x) == pytest.approx(float(expected[f"{name}_skdim_twonn"]), rel=EXACT)
    assert two_nn(x, cdf="(i-1)/n") == pytest.approx(float(expected[f"{name}_vaeld_twonn"]), rel=EXACT)
    likelihood = two_nn_of(nearest(x, 2), fit="likelihood")
    assert likelihood == pytest.approx(float(expected[f"{name}_skdim_twonn_mle"]), rel=EXACT)


def test_one_table_serves_every_estimate(expected):
    x = expected["sphere5"]
    table = nearest(x, 20)
    assert [mle_of(table, k) for k in (3, 5, 20)] == pytest.approx([mle(x, k) for k in (3, 5, 20)], rel=1e-14)
    assert two_nn_of(table) == pytest.approx(two_nn(x), rel=1e-14)


# Closed forms


def test_the_worked_example_of_the_thesis_has_natural_logarithms():
    table = table_of([[1, 1, 2]])
    assert mle_of(table, 3, "mean") == pytest.approx(1 / math.log(2), rel=1e-15)
    assert mle_of(table, 3, "mean") == pytest.approx(1.4427, abs=5e-5)


def test_aggregations_of_two_local_estimates():
    table = table_of([[1, 1, math.exp(1)], [1, 1, math.exp(4)]])
    assert local_of(table, 3).tolist() == pytest.approx([1, 0.25])
    assert mle_of(table, 3, "mean") == pytest.approx(0.625)
    assert mle_of(table, 3, "median") == pytest.approx(0.625)
    assert mle_of(table, 3, "pooled") == pytest.approx(0.4)
    assert mle_of(table, 3, "pooled", "k-2") == pytest.approx(0.2)


def test_normalisers_differ_by_a_factor(rng):
    table = nearest(rng.normal(size=(200, 5)), 20)
    for k in (3, 5, 20):
        assert mle_of(table, k, "pooled", "k-2") == pytest.approx(mle_of(table, k) * (k - 2) / (k - 1), rel=1e-12)


def test_twonn_of_ratios_on_a_line_is_its_slope():
    n, d = 100, 3.5
    ratios = (1 - np.arange(1, n + 1) / n + 1e-300) ** (-1 / d)
    table = table_of(np.column_stack([np.ones(n), ratios]))
    assert two_nn_of(table) == pytest.approx(d, rel=1e-12)
    shifted = (1 - np.arange(n) / n) ** (-1 / d)
    table = table_of(np.column_stack([np.ones(n), shifted]))
    assert two_nn_of(table, 0.0, "(i-1)/n") == pytest.approx(d, rel=1e-12)
    x, y = two_nn_line(table, 0.25)
    assert (len(x), len(y)) == (100, 75)


@pytest.mark.parametrize("order", [1, 2, 8])
def test_gride_maximises_its_likelihood(order, rng):
    table = nearest(rng.normal(size=(300, 4)), 2 * order)
    found = gride_of(table, order)
    log_ratio = np.log(table.distances[:, 2 * order - 1] / table.distances[:, order - 1])

    def minus_likelihood(d):
        bent = (order - 1) * np.log(np.expm1(d * log_ratio)) if order > 1 else 0
        return -np.sum(np.log(d) + bent - (d * (2 * order - 1) + 1) * log_ratio - betaln(order, order))

    best = minimize_scalar(minus_likelihood, bounds=(0.1, 30), method="bounded", options={"xatol": 1e-10})
    assert found.dimension == pytest.approx(best.x, rel=1e-5)
    step = 1e-3
    curvature = sum(sign * minus_likelihood(found.dimension + at * step) for at, sign in ((-1, 1), (0, -2), (1, 1))) / (
        step**2
    )
    assert found.error == pytest.approx(curvature**-0.5, rel=1e-3)
    assert found.distance == pytest.approx(table.distances[:, 2 * order - 1].mean())


def test_gride_of_order_one_is_twonn_by_maximum_likelihood(rng):
    table = nearest(rng.normal(size=(300, 4)), 2)
    log_ratio, _ = two_nn_line(table)
    assert gride_of(table, 1).dimension == pytest.approx(300 / log_ratio.sum(), rel=1e-12)


def test_gride_agrees_with_its_density(rng):
    """Ratios drawn from the density: a Beta(n2 - n1, n1) variable is 1 - mu^-d."""
    n1, d = 4, 6.0
    ratios = (1 - rng.beta(n1, n1, size=20_000)) ** (-1 / d)
    distances = np.ones((20_000, 8))
    distances[:, 7] = ratios
    found = gride_of(table_of(distances), 4)
    assert abs(found.dimension - d) < 4 * found.error
    assert found.error < 0.05


# Invariants


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-6, 1e6), shift=st.floats(-10, 10), p=st.sampled_from([3, 40]))
def test_turning_moving_and_scaling_change_nothing(seed, scale, shift, p):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, 3)) @ rng.normal(size=(3, p))
    turned = scale * (x @ ortho_group.rvs(p, random_state=seed) + shift)
    for estimate in (mle, two_nn):
        # Values of up to 10 round at 1e-15, and distances between neighbours are above 1e-3.
        assert estimate(turned) == pytest.approx(estimate(x), rel=1e-7)
    table, other = nearest(x, 16), nearest(turned, 16)
    assert gride_of(other, 8).dimension == pytest.approx(gride_of(table, 8).dimension, rel=1e-7)
    assert gride_of(other, 8).distance == pytest.approx(scale * gride_of(table, 8).distance, rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), copies=st.lists(st.integers(0, 59), max_size=40), p=st.sampled_from([3, 40]))
def test_copies_change_nothing(seed, copies, p):
    x = np.random.default_rng(seed).normal(size=(60, p))
    more = np.vstack([x, x[copies]])
    assert mle(more) == mle(x)
    assert two_nn(more) == two_nn(x)


def test_the_order_of_observations_changes_nothing(rng):
    x = rng.normal(size=(300, 40))
    shuffled = x[rng.permutation(300)]
    assert mle(shuffled) == pytest.approx(mle(x), rel=1e-13)
    assert two_nn(shuffled) == pytest.approx(two_nn(x), rel=1e-13)


def test_numpy_and_torch_give_the_same(rng):
    x = rng.normal(size=(100, 40))
    assert mle(torch.from_numpy(x)) == mle(x)
    assert two_nn(torch.from_numpy(x)) == two_nn(x)
    assert mle(torch.from_numpy(x).float()) == pytest.approx(mle(x), rel=1e-5)
    assert isinstance(mle(x), float)


# Manifolds


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("make", [manifolds.sphere, manifolds.plane, manifolds.cube])
def test_dimensions_that_are_known_are_found(make, d, rng):
    x = make(2000, d, rng)
    # A fifth of the variance of 2,000 local estimates at k = 20 is far below; what is left is bias of the border.
    assert mle(x) == pytest.approx(d, rel=0.12)
    assert two_nn(x) == pytest.approx(d, rel=0.12)


@pytest.mark.parametrize("make", [manifolds.swiss_roll, manifolds.moebius, manifolds.helix])
def test_bent_surfaces_have_two_dimensions(make, rng):
    x = make(2000, rng)
    assert mle(x, 10) == pytest.approx(2, abs=0.25)
    assert two_nn(x) == pytest.approx(2, abs=0.25)


def test_a_bent_manifold_of_six_dimensions(rng):
    # Campadelli et al. 2015, Table 4, has 7.0 for MLE and all others above 6 on M6: it is bent strongly.
    assert 5.5 < mle(manifolds.nonlinear(2500, rng)) < 7.5


def test_high_dimensions_are_underestimated_and_not_more_than_is_known(rng):
    x = manifolds.sphere(2000, 20, rng)
    assert 14 < mle(x) < 20


def test_scales_tell_noise_from_structure(rng):
    """A plane with a little noise in 20 more dimensions: near by it has many dimensions, and farther off two."""
    x = np.hstack([rng.uniform(size=(4000, 2)), 0.004 * rng.normal(size=(4000, 20))])
    table = nearest(x, 512)
    assert gride_of(table, 1).dimension > 4
    assert gride_of(table, 256).dimension == pytest.approx(2, abs=0.3)


def test_standard_errors_are_those_of_repetition(rng):
    found = [gride_of(nearest(rng.normal(size=(500, 3)), 2), 1) for _ in range(60)]
    spread = np.std([each.dimension for each in found], ddof=1)
    # Ratios are not quite independent, and 60 repetitions know a deviation to a tenth.
    assert np.mean([each.error for each in found]) == pytest.approx(spread, rel=0.45)


@pytest.mark.parametrize("k", [3, 20])
def test_pooling_has_less_bias_than_the_mean(k, rng):
    x = manifolds.sphere(3000, 3, rng)
    assert abs(mle(x, k) - 3) < abs(mle(x, k, "mean") - 3)


# Degenerate


def test_equal_distances_have_infinite_dimension():
    x = np.eye(60)
    assert mle(x) == mle(x, aggregation="mean") == mle(x, aggregation="median") == math.inf
    assert two_nn(x) == math.inf
    table = nearest(x, 8)
    assert gride_of(table, 4).dimension == math.inf
    assert math.isnan(gride_of(table, 4).error)
    assert np.isinf(local_of(table, 5)).all()


def test_rows_at_distance_zero_are_left_out():
    table = table_of([[1, 1, math.e], [0, 1, math.e], [1, 2, 4]])
    kept = table_of([[1, 1, math.e], [1, 2, 4]])
    assert mle_of(table, 3) == pytest.approx(mle_of(kept, 3))
    assert np.isnan(local_of(table, 3)).tolist() == [False, True, False]
    assert math.isnan(mle_of(table_of([[0, 1, 2]]), 3))
    assert mle_in_runs(table, 3, [np.array([0, 1]), np.array([0])]).tolist() == pytest.approx([1, 1])


def test_runs_average_over_those_chosen(rng):
    table = nearest(rng.normal(size=(100, 5)), 10)
    every = np.arange(100)
    assert mle_in_runs(table, 10, [every, every]).tolist() == [mle_of(table, 10)] * 2
    local = local_of(table, 10)
    assert mle_in_runs(table, 10, [every[:30]], "mean")[0] == pytest.approx(local[:30].mean())


# What is refused


def test_numbers_of_neighbours_that_say_nothing_are_refused(rng):
    x = rng.normal(size=(50, 3))
    with pytest.raises(VaehubError, match="k is 1; with 'k-1' it is from 2 to the 1 neighbours"):
        mle(x, 1)
    with pytest.raises(VaehubError, match="k is 2; with 'k-2' it is from 3"):
        mle(x, 2, normaliser="k-2")
    with pytest.raises(VaehubError, match="k is 9; with 'k-1' it is from 2 to the 5 neighbours in the table"):
        mle_of(nearest(x, 5), 9)
    with pytest.raises(VaehubError, match="50 neighbours of each observation need 51"):
        mle(x, 50)


def test_a_line_without_points_is_refused(rng):
    x = rng.normal(size=(50, 3))
    with pytest.raises(VaehubError, match=r"no -log\(1 - F\) if F is i/n; discard some, or set cdf to \(i-1\)/n"):
        two_nn(x, discard=0)
    with pytest.raises(VaehubError, match="a line needs at least 2 points, and 0.99 of 50 discarded leaves 0"):
        two_nn(x, discard=0.99)


# Which estimate is retained


@pytest.mark.parametrize(
    ("estimates", "position", "n_stable"),
    [
        ([5.0], 0, 1),
        ([9, 7, 5, 5.1], 3, 2),
        ([5, 5.1, 5.2, 8], 2, 3),
        ([5, 5.1, 8, 8.1], 3, 2),
        ([1, 2, 4, 8], 3, 1),
        ([float("nan"), 5, 5.1, float("nan")], 2, 2),
        ([float("inf"), float("inf"), 3], 2, 1),
        ([5, 5.4, 5.8, 6.2], 3, 2),
    ],
)
def test_the_stable_estimate_is_retained(estimates, position, n_stable):
    found = retained(estimates)
    assert (found.position, found.n_stable) == (position, n_stable)
    assert found.estimate == estimates[position]


def test_tolerance_decides_what_is_stable():
    assert retained([4, 5, 6, 7], 1.0).n_stable == 4
    assert retained([4, 5, 6, 7], 0.0).n_stable == 1


# Real data


def test_digits_of_mnist_have_about_thirteen_dimensions(real_data):
    """Bonheme 2023 and Pope et al. 2021 have 11 to 14 for MNIST by maximum likelihood."""
    from vaehub import Hub

    x = Hub.open().data("mnist").split("train").first(3000).x
    table = nearest(x, 20)
    assert 9 < mle_of(table, 20) < 14
    assert table.n_duplicates == 0
