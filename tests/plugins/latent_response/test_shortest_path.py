"""Paths on grids and among samples, where the cheapest is known."""

import numpy as np
import pytest
import torch

from vaehub import VaehubError, WorkFailed
from vaehub.plugins.latent_response.kernels import (
    cheapest,
    edge_costs,
    evenly_spaced,
    field_on_edges,
    grid_axes,
    grid_path,
    length_cost,
    neighbour_edges,
    on_edges,
)

EXTENT = (-1.0, 1.0, -2.0, 2.0)


def wall(h=21, w=41):
    """Return costs of 1, and of 100 on a wall across the middle with a gap at its left end."""
    squares = np.ones((h, w))
    squares[h // 2, 3:] = 100
    return squares


@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_where_nothing_costs_the_path_is_straight(temperature):
    path, cost = grid_path(np.zeros((21, 21)), (-1, 1, -1, 1), (-1, -1), (1, 1), temperature)
    np.testing.assert_allclose(path, np.linspace([-1, -1], [1, 1], 21), atol=1e-12)
    assert cost < 1e-10


def test_the_path_goes_round_what_costs():
    path, cost = grid_path(wall(), EXTENT, (-0.5, 0.0), (0.5, 0.0), 0.0)
    first, second = grid_axes(EXTENT, 21, 41)
    crossing = path[np.isclose(path[:, 0], float(first[10]))]
    assert (crossing[:, 1] < float(second[3])).all()
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).sum() == pytest.approx(cost, rel=1e-9)


def test_a_great_temperature_makes_the_path_straight_again():
    path, _ = grid_path(wall(), EXTENT, (-0.5, 0.0), (0.5, 0.0), 1000.0)
    np.testing.assert_allclose(path[:, 1], 0, atol=1e-12)
    assert len(path) == 11


def test_no_path_is_cheaper_by_another_algorithm(rng):
    squares = rng.uniform(0.5, 3, size=(12, 9))
    _, cost = grid_path(squares, (0, 11, 0, 8), (0, 0), (11, 5), 0.0)
    # Bellman and Ford: the least cost to each cell, until no step to a neighbour lowers any.
    least = np.full((14, 11), np.inf)
    least[1, 1] = 0
    padded = np.pad(squares, 1, constant_values=np.inf)
    for _ in range(squares.size):
        for down, right in [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]:
            edge = 0.5 * (padded + np.roll(padded, (down, right), axis=(0, 1))) * np.hypot(down, right)
            least = np.fmin(least, np.roll(least, (down, right), axis=(0, 1)) + edge)
    assert cost == pytest.approx(least[12, 6], rel=1e-9)


def test_ends_are_brought_to_the_grid_and_refused_outside():
    path, _ = grid_path(np.ones((3, 3)), (-1, 1, -1, 1), (-0.6, 0.4), (0.9, 0.9), 0.0)
    assert path[0].tolist() == [-1, 0]
    assert path[-1].tolist() == [1, 1]
    with pytest.raises(VaehubError, match=r"an end at \(3, 0\), and the grid reaches from -1 to 1 and from -1 to 1"):
        grid_path(np.ones((3, 3)), (-1, 1, -1, 1), (0, 0), (3, 0), 0.0)
    with pytest.raises(VaehubError, match="needs 2 grid points along each axis at least"):
        grid_path(np.ones((1, 3)), (-1, 1, -1, 1), (0, 0), (0, 0), 0.0)


def test_from_a_point_to_itself_is_no_way():
    path, cost = grid_path(np.ones((3, 3)), (-1, 1, -1, 1), (0, 0), (0, 0), 0.0)
    assert path.tolist() == [[0, 0]]
    assert cost == 0


def test_neighbours_are_joined_once_and_never_to_themselves():
    points = torch.tensor([[0.0], [1.0], [2.1], [10.0]])
    assert neighbour_edges(points, 1).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert neighbour_edges(points, 9).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


def test_an_edge_costs_the_integral_along_it():
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    edges = torch.tensor([[0, 1]])
    at = on_edges(points, edges, 101)[0]
    assert torch.equal(at[[0, -1]], points)
    # |z|^2 is 25 t^2 along the edge, so that its integral over a length of 5 is 125 / 3.
    found = edge_costs(points, edges, at.square().sum(dim=1)[None], 2.0)
    assert float(found) == pytest.approx(125 / 3 + 5 * 2, rel=1e-4)


@pytest.mark.parametrize("at_once", [1, 4, 7, 100])
def test_the_field_on_edges_comes_in_order_and_little_of_it_at_a_time(rng, at_once):
    points, edges = torch.as_tensor(rng.normal(size=(6, 3))), torch.triu_indices(6, 6, offset=1).T
    asked = []

    def field(at):
        asked.append(len(at))
        return at.square()

    whole = on_edges(points, edges, 5).square()
    done = 0
    for some, arrows in field_on_edges(field, points, edges, 5, at_once):
        assert some.start == done
        assert len(arrows) * 5 < at_once + 5
        assert torch.equal(arrows, whole[some])
        done = some.stop
    assert done == len(edges)
    assert max(asked) <= at_once
    assert sum(asked) == len(edges) * 5


def test_length_costs_a_share_of_the_median_and_never_nothing():
    assert length_cost(np.array([1.0, 4.0, 100.0]), 0.5) == 2
    assert 0 < length_cost(np.zeros(3), 0.1) < 1e-9


def test_a_graph_in_parts_has_no_path():
    edges, costs = torch.tensor([[0, 1], [2, 3]]), torch.ones(2)
    with pytest.raises(WorkFailed, match=r"falls into parts; a greater '-s metric.n_neighbours'"):
        cheapest(edges, costs, 4, 0, 3)
    assert cheapest(edges, costs, 4, 0, 1).nodes.tolist() == [0, 1]


def test_even_steps_are_of_one_length_and_keep_both_ends():
    path = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [3.0, 1.0]])
    found = evenly_spaced(path, 9)
    assert found[[0, -1]].tolist() == [[0, 0], [3, 1]]
    np.testing.assert_allclose(np.abs(np.diff(found, axis=0)).sum(axis=1), 0.5, atol=1e-12)
    assert evenly_spaced(path[:1], 3).tolist() == [[0, 0]] * 3
    assert evenly_spaced(path[[1, 1]], 3).tolist() == [[3, 0]] * 3
