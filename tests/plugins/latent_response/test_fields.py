"""Response fields and their maps, against independent code and closed forms."""

import numpy as np
import pytest
import torch

from vaehub import VaehubError
from vaehub.plugins.latent_response.kernels import (
    aggregate_density,
    divergence,
    grid_axes,
    mean_curvature,
    response_field,
    smoothing_variance,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}
EXTENT = (-2.0, 2.0, -1.0, 3.0)


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "latent_response.npz")


def points(h=41, w=33):
    first, second = grid_axes(EXTENT, h, w)
    return np.stack(np.meshgrid(first.numpy(), second.numpy(), indexing="ij"), axis=-1)


def test_maps_agree_with_independent_code_in_its_unit(oracle):
    field, extent = oracle["field"], oracle["extent"]
    np.testing.assert_allclose(divergence(field, extent, unit_spacing=True), oracle["divergence_unit_step"], **EXACT)
    curvature = mean_curvature(field, extent, unit_spacing=True)
    np.testing.assert_allclose(curvature, oracle["mean_curvature_unit_step"], **EXACT)


def test_unit_spacing_is_the_true_derivative_times_the_step(oracle):
    field = np.repeat(oracle["field"][:, :1], 21, axis=1)
    whole, of_steps = (divergence(field, oracle["extent"], unit_spacing=each) for each in (False, True))
    np.testing.assert_allclose(of_steps, whole * 4 / 20, **EXACT)


def test_the_field_of_a_centre_has_its_divergence_everywhere_and_curvature_by_distance():
    away = points() - np.array([0.13, 0.21])
    field = -0.7 * away
    np.testing.assert_allclose(divergence(field, EXTENT), -1.4, **EXACT)
    distance = np.linalg.norm(away, axis=-1)
    far = (distance > 0.8)[1:-1, 1:-1]
    found = mean_curvature(field, EXTENT)[1:-1, 1:-1][far]
    # Central differences err by step^2 / 6 times the third derivative, which is 6 / distance^4 at most.
    assert np.abs(found - 0.5 / distance[1:-1, 1:-1][far]).max() < 0.125**2 / 0.8**4


def test_a_rotation_has_no_divergence_and_curvature_ignores_length():
    away = points() - 0.1
    turning = np.stack([-away[..., 1], away[..., 0]], axis=-1)
    np.testing.assert_allclose(divergence(turning, EXTENT), 0, atol=1e-12)
    field = np.random.default_rng(0).normal(size=(9, 7, 2))
    lengths = np.random.default_rng(1).uniform(0.1, 5, size=(9, 7, 1))
    np.testing.assert_allclose(mean_curvature(field * lengths, EXTENT), mean_curvature(field, EXTENT), **EXACT)


def test_where_the_field_has_no_length_curvature_is_undefined_there_and_beside():
    field = np.ones((7, 7, 2))
    field[3, 3] = 0
    found = np.isnan(mean_curvature(field, EXTENT))
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(2, 3), (3, 2), (3, 3), (3, 4), (4, 3)]
    assert np.isnan(mean_curvature(np.zeros((4, 4, 2)), EXTENT)).all()


@pytest.mark.parametrize("kernel", [divergence, mean_curvature])
@pytest.mark.parametrize("shape", [(1, 1, 2), (5, 1, 2), (1, 5, 2)])
def test_a_grid_of_one_point_is_refused(kernel, shape):
    with pytest.raises(VaehubError, match=r"need 2 grid points along each axis at least, and this grid has"):
        kernel(np.ones(shape), EXTENT)


def test_the_field_is_the_response_less_the_point_and_the_rest_is_as_given():
    map_ = torch.as_tensor(np.random.default_rng(0).normal(size=(4, 4)))
    rest = torch.as_tensor(np.random.default_rng(1).normal(size=(3, 4)))
    first, second = grid_axes(EXTENT, 5, 4)
    found = response_field(lambda z: z @ map_, first, second, rest, latents=(2, 0), at_once=7)
    for row, a in enumerate(first):
        for column, b in enumerate(second):
            codes = rest.clone()
            codes[:, 2], codes[:, 0] = a, b
            moved = (codes @ map_ - codes).mean(dim=0)
            np.testing.assert_allclose(found[row, column], moved[[2, 0]], **EXACT)


def test_a_perfect_autoencoder_has_no_field_and_a_shrinking_one_a_divergence_of_its_rate():
    first, second = grid_axes(EXTENT, 6, 6)
    rest = torch.zeros(1, 2, dtype=torch.float64)
    assert (response_field(lambda z: z, first, second, rest) == 0).all()
    shrinking = response_field(lambda z: 0.9 * z, first, second, rest)
    np.testing.assert_allclose(divergence(shrinking, EXTENT), -0.2, **EXACT)


def test_the_density_is_a_mixture_and_holds_all_probability():
    from scipy import stats

    mu = np.array([[0.0, 0.5], [1.0, 1.5]])
    variance = np.array([[0.04, 0.09], [0.09, 0.04]])
    first, second = (axis.numpy() for axis in grid_axes((-2, 3, -2, 4), 101, 121))
    found = aggregate_density(first, second, mu, variance)
    at = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    each = [stats.multivariate_normal(m, np.diag(s)).pdf(at) for m, s in zip(mu, variance, strict=True)]
    np.testing.assert_allclose(found, np.mean(each, axis=0), **EXACT)
    assert found.sum() * 0.05 * 0.05 == pytest.approx(1, abs=1e-6)


def test_codes_without_variance_are_smoothed_by_scotts_rule(rng):
    from scipy import stats

    mu = rng.normal(size=(64, 2)) * np.array([1.0, 4.0])
    estimate = stats.gaussian_kde(mu.T)
    np.testing.assert_allclose(smoothing_variance(mu)[0], np.diag(estimate.covariance), rtol=1e-12)
