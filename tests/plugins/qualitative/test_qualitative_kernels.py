"""Projections, paths and choices of rows, against closed forms and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from vaehub import generator
from vaehub.plugins.qualitative.kernels import (
    fitted_gaussian_draws,
    interpolated,
    partner_rows,
    pca_projection,
    spread_rows,
    traversed,
    unit_steps,
)


def means(rng, n=200, d=5):
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def test_projection_is_that_of_a_singular_value_decomposition(rng):
    mu = means(rng)
    found = pca_projection(mu)
    u, s, vt = np.linalg.svd(mu - mu.mean(axis=0), full_matrices=False)
    signs = np.sign(vt[np.arange(5), np.abs(vt).argmax(axis=1)])[:2]
    np.testing.assert_allclose(found.coordinates, (u * s)[:, :2] * signs, atol=1e-10)
    np.testing.assert_allclose(found.components, vt[:2] * signs[:, None], atol=1e-10)
    np.testing.assert_allclose(found.explained, s**2 / (s**2).sum(), atol=1e-12)


def test_the_greatest_loading_of_each_component_is_positive_even_for_mirrored_means(rng):
    mu = means(rng)
    for each in (mu, -mu):
        components = pca_projection(each, 5).components
        assert (components[np.arange(5), np.abs(components).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(pca_projection(-mu).coordinates, -pca_projection(mu).coordinates, atol=1e-10)


def test_means_that_vary_along_the_axes_keep_their_coordinates():
    mu = np.array([[3.0, 1.0, 0.0], [-3.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, -1.0, 0.0]])
    found = pca_projection(mu)
    np.testing.assert_allclose(found.coordinates, mu[:, :2] - [0, 1], atol=1e-12)
    np.testing.assert_allclose(found.explained, [18 / 26, 8 / 26, 0], atol=1e-12)


def test_shares_of_the_variance_sum_to_one_and_fall_also_with_few_observations(rng):
    explained = pca_projection(means(rng, n=3, d=8)).explained
    assert explained.shape == (8,)
    assert explained.sum() == pytest.approx(1)
    assert (np.diff(explained) <= 0).all()
    assert explained[2:] == pytest.approx(0, abs=1e-12)


def test_a_shift_of_all_means_changes_no_projection(rng):
    mu = means(rng)
    np.testing.assert_allclose(pca_projection(mu + 7).coordinates, pca_projection(mu).coordinates, atol=1e-10)


def test_means_that_do_not_vary_explain_nothing():
    found = pca_projection(np.ones((10, 3)))
    assert np.isnan(found.explained).all()
    assert (found.coordinates == 0).all()


def test_a_line_begins_and_ends_exactly_at_its_pair_and_is_straight():
    random = generator(0, "pairs")
    start, end = torch.randn(2, 4, 3, generator=random)
    path = interpolated(start, end, torch.linspace(0, 1, 9))
    assert path.shape == (4, 9, 3)
    assert torch.equal(path[:, 0], start)
    assert torch.equal(path[:, -1], end)
    torch.testing.assert_close(path[:, 4], (start + end) / 2)
    torch.testing.assert_close(path.diff(dim=1), ((end - start) / 8)[:, None].expand(-1, 8, -1))


def test_a_traversal_sets_one_latent_and_keeps_the_others():
    mu, latents = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([2, 0])
    values = torch.tensor([[-1.0, 0.0, 1.0], [5.0, 6.0, 7.0]])
    z = traversed(mu, latents, values)
    assert z.shape == (2, 3, 4)
    for row, latent in enumerate(latents):
        assert torch.equal(z[row, :, latent], values[row])
        kept = [at for at in range(4) if at != latent]
        assert torch.equal(z[row][:, kept], mu[kept].expand(3, -1))


def test_a_traversal_at_the_example_s_own_values_is_the_example():
    mu = torch.randn(6, generator=generator(0, "mu"))
    assert torch.equal(traversed(mu, torch.arange(6), mu[:, None]), mu.expand(6, 1, -1))


def test_even_steps_have_equal_distances_and_both_ends():
    np.testing.assert_allclose(unit_steps(2.0, 10), np.linspace(-2, 2, 10), atol=1e-15)


def test_quantile_steps_are_medians_of_parts_of_equal_probability():
    steps = unit_steps(2.0, 10, by_quantile=True).numpy()
    inside = (norm.cdf(steps) - norm.cdf(-2)) / (norm.cdf(2) - norm.cdf(-2))
    np.testing.assert_allclose(inside, (np.arange(10) + 0.5) / 10, atol=1e-12)
    np.testing.assert_allclose(steps, -steps[::-1], atol=1e-12)


def test_draws_from_the_fitted_gaussian_have_the_moments_of_the_means():
    random = generator(0, "draws")
    mu = torch.randn(50, 3, generator=random, dtype=torch.float64) @ torch.diag(torch.tensor([3.0, 1.0, 0.0]).double())
    mu = mu + torch.tensor([1.0, -2.0, 4.0])
    draws = fitted_gaussian_draws(mu, torch.randn(200_000, 3, generator=random, dtype=torch.float64))
    # Standard errors are about sigma / 450 of a mean, and sigma^2 / 300 of a covariance.
    torch.testing.assert_close(draws.mean(dim=0), mu.mean(dim=0), atol=0.04, rtol=0)
    torch.testing.assert_close(draws.T.cov(correction=0), mu.T.cov(correction=0), atol=0.15, rtol=0)
    assert float((draws[:, 2] - 4).abs().max()) < 1e-6


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 3), st.data())
@settings(max_examples=50, deadline=None)
def test_rows_are_spread_over_classes_as_evenly_as_there_are_rows(labels, seed, data):
    labels = torch.tensor(labels)
    n = data.draw(st.integers(1, len(labels)))
    rows = spread_rows(labels, n, generator(seed, "rows"))
    assert len(rows.unique()) == len(rows) == n
    assert (labels[rows].diff() >= 0).all()
    taken, there = torch.bincount(labels[rows], minlength=5), torch.bincount(labels, minlength=5)
    # A class is behind another by more than one only if it has no more rows.
    assert bool(((taken >= taken.max() - 1) | (taken == there)).all())


def test_another_seed_draws_other_rows():
    labels = torch.arange(100) % 10
    rows = [spread_rows(labels, 10, generator(seed, "rows")).tolist() for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


def test_partners_are_of_another_class():
    labels = torch.tensor([0] * 30 + [1])
    rows = torch.arange(31)
    partners = partner_rows(labels, rows, generator(0, "partners"))
    assert bool((labels[partners] != labels[rows]).all())


def test_partners_within_one_class_are_other_rows():
    rows = torch.arange(4)
    partners = partner_rows(torch.zeros(4), rows, generator(0, "partners"))
    assert bool((partners != rows).all())
