"""What is measured along routes, against closed forms and plain loops."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vaehub.plugins.latent_response.kernels import (
    aggregate_density,
    divergence_at,
    field_at,
    grid_axes,
    grid_path,
    label_changes,
    log_density,
    nearest_observations,
    own_rate,
    partings,
    repulsion_cost,
    response_field,
    smoothing_variance,
)


@pytest.mark.parametrize("n_axes", [1, 2, 5])
def test_the_log_density_is_that_of_a_mixture(rng, n_axes):
    points, mu = torch.as_tensor(rng.normal(size=(40, n_axes))), torch.as_tensor(rng.normal(size=(7, n_axes)))
    variance = torch.as_tensor(rng.uniform(0.1, 2, size=(7, n_axes)))
    mixture = MixtureSameFamily(Categorical(torch.ones(7)), Independent(Normal(mu, variance.sqrt()), 1))
    torch.testing.assert_close(log_density(points, mu, variance), mixture.log_prob(points))
    one_row = log_density(points, mu, variance[:1])
    torch.testing.assert_close(one_row, log_density(points, mu, variance[:1].expand(7, -1)))


def test_the_log_density_agrees_with_the_density_on_a_grid_and_is_finite_far_away(rng):
    mu, variance = torch.as_tensor(rng.normal(size=(50, 2))), torch.full((1, 2), 0.3, dtype=torch.float64)
    first, second = grid_axes((-2, 2, -1, 1), 5, 4)
    points = torch.cartesian_prod(first, second)
    expected = aggregate_density(first, second, mu, variance).log().flatten()
    torch.testing.assert_close(log_density(points, mu, variance), expected)
    assert log_density(torch.full((1, 2), 1e3, dtype=torch.float64), mu, variance).isfinite().all()


def test_divergence_at_points_is_exact_for_linear_and_quadratic_fields(rng):
    slopes = torch.as_tensor(rng.normal(size=(4, 4)))
    points = torch.as_tensor(rng.normal(size=(30, 4)))
    found = divergence_at(lambda at: at @ slopes + at.square(), points, 0.1)
    torch.testing.assert_close(found, slopes.trace() + 2 * points.sum(dim=1))


def test_divergence_takes_all_axes_together_in_bounded_blocks(monkeypatch, rng):
    asked = []

    def field(at):
        asked.append(len(at))
        return at * at * at.flip(1)

    points = torch.as_tensor(rng.normal(size=(30, 5)))
    together = divergence_at(field, points, 0.1)
    monkeypatch.setattr("vaehub.plugins.latent_response.fields.VALUES_AT_ONCE", 2 * 2 * points.numel())
    assert torch.equal(divergence_at(field, points, 0.1), together)
    # Both sides of five axes, then of two, two and one.
    assert asked == [300, 120, 120, 60]


def test_the_field_at_grid_points_is_the_field_of_the_grid(rng):
    mixing = torch.as_tensor(rng.normal(size=(3, 3)))
    rest = torch.as_tensor(rng.normal(size=(6, 3)))
    first, second = grid_axes((-1, 1, 0, 2), 4, 5)
    at_points = field_at(lambda z: torch.tanh(z @ mixing), torch.cartesian_prod(first, second), rest, (2, 0), 7)
    on_grid = response_field(lambda z: torch.tanh(z @ mixing), first, second, rest, (2, 0))
    torch.testing.assert_close(at_points.reshape(4, 5, 2), on_grid)


def test_the_nearest_observation_is_that_of_a_plain_search(rng):
    decoded, observations = rng.normal(size=(9, 2, 3)), rng.normal(size=(30, 2, 3))
    observations[17] = observations[3]  # of equals the first is taken
    decoded[0] = observations[3]
    blocks = torch.split(torch.as_tensor(observations), [7, 0, 13, 10])
    found = nearest_observations(torch.as_tensor(decoded), blocks)
    distances = np.sqrt(((decoded[:, None] - observations) ** 2).sum(axis=(2, 3)))
    np.testing.assert_allclose(found.distance, distances.min(axis=1))
    np.testing.assert_array_equal(found.row, distances.argmin(axis=1))


def test_labels_along_a_route_are_counted():
    labels = torch.tensor([1, 1, 2, 2, 0, 1, 1, 1])
    assert label_changes(labels) == 3
    assert own_rate(labels) == 5 / 8
    # Both ends' labels are the route's own.
    assert own_rate(torch.tensor([1, 1, 2, 3])) == 3 / 4
    assert label_changes(torch.tensor([4, 4])) == 0


def test_only_positive_divergence_costs_and_in_medians():
    squares = torch.tensor([1.0, 2.0, 9.0])
    found = repulsion_cost(squares, torch.tensor([-3.0, 0.0, 0.5]), 10)
    assert found.tolist() == [0, 0, 10]
    assert (repulsion_cost(squares, torch.tensor([5.0]), 0) == 0).all()


def test_what_points_cost_besides_turns_the_path():
    squares, added = torch.ones(9, 9, dtype=torch.float64), torch.zeros(9, 9, dtype=torch.float64)
    added[4, 1:] = 100
    straight, _ = grid_path(squares, (0, 8, 0, 8), (0, 4), (8, 4), 0.1)
    turned, _ = grid_path(squares, (0, 8, 0, 8), (0, 4), (8, 4), 0.1, added=added)
    assert (straight[:, 1] == 4).all()
    assert turned[turned[:, 0] == 4].tolist() == [[4, 0]]


def test_responses_part_along_an_edge_by_the_positive_slope_of_the_field():
    points = torch.tensor([[-1.0, 0], [1, 0], [0, 2]], dtype=torch.float64)
    edges = torch.tensor([[0, 1], [0, 2], [1, 1]])
    share = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    places = torch.stack([(1 - share) * points[a] + share * points[b] for a, b in edges.tolist()])
    parting = partings(points, edges, 0.5 * places)
    torch.testing.assert_close(parting, torch.tensor([0.5, 0.5, 0], dtype=torch.float64))
    assert (partings(points, edges, -0.5 * places) == 0).all()
    across = places.clone()
    across[..., 0] = 0
    assert partings(points, edges, across)[0] == 0


def test_codes_without_variance_are_smoothed_as_scott_has_it_in_any_number_of_dimensions(rng):
    mu = rng.normal(size=(500, 3))
    np.testing.assert_allclose(
        smoothing_variance(mu)[0], mu.var(axis=0, ddof=1) * math.pow(500, -1 / 7) ** 2, rtol=1e-12
    )
