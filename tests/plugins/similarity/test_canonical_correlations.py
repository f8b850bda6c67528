"""Canonical correlations against their definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import inv, sqrtm

from vaehub import VaehubError
from vaehub.plugins.similarity.kernels import pwcca, svcca

seeds = st.integers(0, 10_000)


def some(seed, n=100, width=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + 2


def related(x, seed, width=3):
    rng = np.random.default_rng(seed + 1)
    return x @ rng.normal(size=(x.shape[1], width)) + rng.normal(size=(len(x), width))


def by_definition(x, y):
    """Canonical correlations, and canonical variables of x, from inverse roots of covariances."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    root_x, root_y = (inv(sqrtm(each.T @ each).real) for each in (x, y))
    u, correlations, _ = np.linalg.svd(root_x @ x.T @ y @ root_y, full_matrices=False)
    return correlations, x @ root_x @ u


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_all_directions_have_the_mean_of_canonical_correlations(seed):
    x = some(seed)
    y = related(x, seed)
    assert svcca(x, y, explained=1.0) == pytest.approx(by_definition(x, y)[0].mean(), rel=1e-6)


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_weights_are_projections_of_the_first(seed):
    x = some(seed)
    y = related(x, seed)
    correlations, variables = by_definition(x, y)
    weights = np.abs(variables.T @ (x - x.mean(axis=0))).sum(axis=1)
    assert pwcca(x, y) == pytest.approx((weights * correlations).sum() / weights.sum(), rel=1e-6)


def test_faint_directions_are_left_out_of_svcca():
    q = np.linalg.qr(np.column_stack([np.ones(80), some(0, n=80, width=4)]))[0][:, 1:]
    x = q[:, :2] * [10, 0.1]
    y = np.column_stack([10 * q[:, 0], 0.1 * q[:, 2]])
    assert svcca(x, y) == pytest.approx(1)
    assert svcca(x, y, explained=1.0) == pytest.approx(0.5)


@pytest.mark.parametrize("kernel", [svcca, pwcca])
def test_a_linear_map_changes_neither_when_all_directions_count(kernel):
    x = some(0)
    turned = x @ np.random.default_rng(5).normal(size=(4, 4)) + 1
    assert kernel(x, turned, **({"explained": 1.0} if kernel is svcca else {})) == pytest.approx(1)


@pytest.mark.parametrize("kernel", [svcca, pwcca])
def test_as_many_columns_as_observations_say_nothing(kernel):
    wide = np.random.default_rng(0).normal(size=(20, 60))
    other = np.random.default_rng(1).normal(size=(20, 60))
    assert kernel(wide, other, **({"explained": 1.0} if kernel is svcca else {})) == pytest.approx(1)


@pytest.mark.parametrize("kernel", [svcca, pwcca])
def test_a_constant_has_none(kernel):
    assert math.isnan(kernel(np.ones((30, 2)), some(0, n=30)))
    assert math.isnan(kernel(some(0, n=30), np.ones((30, 2))))


def test_a_share_that_is_none_is_refused():
    with pytest.raises(VaehubError, match="explained is 1.2 and should be greater than 0 and at most 1"):
        svcca(some(0), some(1), explained=1.2)
