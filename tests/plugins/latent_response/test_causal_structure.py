"""Which responses are edges and which latents one variable, against known graphs."""

import math

import pytest
import torch

from vaehub import generator
from vaehub.plugins.latent_response.kernels import (
    Moments,
    causal_edges,
    displaced_latents,
    edge_thresholds,
    marginal_draws,
    merged_pairs,
    redraw_moments,
    response_matrix,
    response_moments,
    symmetric_pairs,
    two_sided,
    variables_of,
)

ALL = torch.ones(4, dtype=torch.bool)
ONES = torch.ones(4, dtype=torch.float64)


def matrix_of(entries, n=4):
    matrix = torch.diag(torch.full((n,), 1.4, dtype=torch.float64))
    for (cause, effect), value in entries.items():
        matrix[cause, effect] = value
    return matrix


def exactly(matrix):
    return Moments(matrix.square(), torch.zeros_like(matrix))


def pairs_of(edges):
    return list(zip(edges.cause.tolist(), edges.effect.tolist(), strict=True))


def test_standard_errors_are_those_of_repeated_draws():
    def once(seed):
        z = torch.randn(200, 2, dtype=torch.float64, generator=generator(seed, "z"))
        return response_moments(torch.tanh, z, marginal_draws(z, generator(seed, "v")))

    found = [once(seed) for seed in range(300)]
    spread = torch.stack([each.squares for each in found]).std(dim=0)
    claimed = torch.stack([each.errors for each in found]).mean(dim=0)
    # Draws share their values, so that the two differ by a few per cent.
    assert (claimed.diagonal() / spread.diagonal()).tolist() == pytest.approx([1, 1], rel=0.2)
    assert claimed[0, 1] == claimed[1, 0] == 0


def test_moments_are_the_squares_of_the_matrix(rng):
    z, v = torch.as_tensor(rng.normal(size=(2, 60, 3)))
    mixing = torch.as_tensor(rng.normal(size=(3, 3)))

    def respond(codes):
        return torch.tanh(codes @ mixing)

    squares = response_moments(respond, z, v, 50).squares
    torch.testing.assert_close(squares.sqrt(), response_matrix(respond, z, v))


def test_the_null_of_a_linear_response_is_the_noise_of_the_other_latents():
    deviations = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    z, again = (deviations * torch.randn(100_000, 3, dtype=torch.float64, generator=generator(0, k)) for k in "ab")
    mixing = torch.tensor([[1, 0.5, 0.0], [0.3, 1, 0.2], [0, 0.7, 1]], dtype=torch.float64)
    found = redraw_moments(lambda codes: codes @ mixing, z, again)
    shares = (mixing * (1 - torch.eye(3, dtype=torch.float64))).square()
    expected = 2 * (deviations.square()[:, None] * shares).sum(dim=0)
    torch.testing.assert_close(found.squares, expected, rtol=0.02, atol=0)
    assert (redraw_moments(lambda codes: codes, z, again).squares == 0).all()


def test_an_edge_exceeds_its_share_and_the_null_by_its_whole_interval():
    null = torch.tensor([0.0, 0.3, 0.0, 0.0], dtype=torch.float64)
    redrawn = Moments(null.square(), torch.zeros(4, dtype=torch.float64))
    found = edge_thresholds(2 * ONES, redrawn, 1.0, 0.1, number=None, reach_of_error=2.0)
    assert found.edges.tolist() == pytest.approx([0.2, 0.3, 0.2, 0.2])
    assert found.null.tolist() == pytest.approx([1e-5, 0.3, 1e-5, 1e-5])
    matrix = matrix_of({(0, 1): 0.29, (1, 0): 0.29, (2, 3): 0.21, (3, 2): 0.19})
    assert pairs_of(causal_edges(exactly(matrix), ALL, found.edges, 2.0)) == [(1, 0), (2, 3)]
    # A standard error of 0.0441 - 0.04 over two makes the interval of the weaker one reach down to the threshold.
    wide = Moments(matrix.square(), torch.full((4, 4), 0.00206, dtype=torch.float64))
    edges = causal_edges(wide, ALL, found.edges, 2.0)
    assert pairs_of(edges) == [(1, 0)]
    assert edges.low.tolist() == pytest.approx([math.sqrt(0.29**2 - 2 * 0.00206)])
    assert edges.response.tolist() == pytest.approx([0.29])


def test_the_null_is_enlarged_by_its_own_error():
    redrawn = Moments(ONES, 0.1 * ONES)
    assert edge_thresholds(ONES, redrawn, 1.0, 0.1, number=None, reach_of_error=3.0).null.tolist() == pytest.approx(
        [math.sqrt(1.3)] * 4
    )


def test_a_number_replaces_share_and_null_and_is_marked_where_it_is_below_the_null():
    redrawn = Moments(torch.tensor([0.0, 0.09, 0.0, 0.0], dtype=torch.float64), 0 * ONES)
    found = edge_thresholds(2 * ONES, redrawn, 1.0, 0.1, number=0.25, reach_of_error=2.0)
    assert found.edges.tolist() == [0.25] * 4
    assert found.is_below.tolist() == [False, True, False, False]


def test_intervals_of_many_hold_together():
    assert two_sided(0.95, 1) == pytest.approx(1.959964, abs=1e-6)
    # Standard normal quantile at 1 - 0.05 / 40.
    assert two_sided(0.95, 20) == pytest.approx(3.023341, abs=1e-6)


def test_only_nodes_have_edges_and_the_strongest_comes_first():
    matrix = matrix_of({(0, 1): 0.5, (1, 2): 0.9, (3, 0): 9.0, (0, 3): 9.0})
    is_node = torch.tensor([True, True, True, False])
    assert pairs_of(causal_edges(exactly(matrix), is_node, 0.1 * ONES, 1.0)) == [(1, 2), (0, 1)]
    assert pairs_of(causal_edges(exactly(matrix_of({})), ALL, 0.1 * ONES, 1.0)) == []


def test_pairs_act_on_each_other_about_as_much_and_both_above_the_threshold():
    matrix = matrix_of({(0, 1): 1.0, (1, 0): 0.81, (2, 3): 1.0, (3, 2): 0.79, (0, 3): 0.01, (3, 0): 0.01})
    edges = causal_edges(exactly(matrix), ALL, 0.1 * ONES, 1.0)
    assert symmetric_pairs(matrix, edges).tolist() == [[0, 1]]
    assert symmetric_pairs(matrix, edges, 0.25).tolist() == [[0, 1], [2, 3]]


def test_variables_have_two_latents_at_most_and_the_strongest_pairs_first():
    # A chain 0 - 1 - 2 - 3, its middle strongest: nothing is left for its ends.
    matrix = matrix_of({(0, 1): 0.5, (1, 0): 0.5, (1, 2): 0.6, (2, 1): 0.6, (2, 3): 0.4, (3, 2): 0.4})
    pairs = torch.tensor([[0, 1], [1, 2], [2, 3]])
    merged = merged_pairs(pairs, matrix, ONES, 0.15)
    assert merged.tolist() == [[1, 2]]
    assert variables_of(merged, ALL).tolist() == [0, 1, 1, 2]
    matrix[1, 2] = matrix[2, 1] = 0.45
    assert merged_pairs(pairs, matrix, ONES, 0.15).tolist() == [[0, 1], [2, 3]]


def test_pairs_are_merged_as_a_plain_search_merges_them(rng):
    n = 12
    matrix, reach = torch.as_tensor(rng.uniform(size=(n, n))), torch.as_tensor(rng.uniform(1, 2, size=n))
    matrix[0, 1] = matrix[1, 0] = torch.nan
    pairs = torch.triu_indices(n, n, offset=1).T
    strength = {
        (i, j): min(float(matrix[i, j] / reach[j]), float(matrix[j, i] / reach[i])) for i, j in pairs[1:].tolist()
    }
    expected = []
    for pair in sorted(strength, key=strength.get, reverse=True):
        if strength[pair] >= 0.2 and not {*pair} & {latent for each in expected for latent in each}:
            expected.append(pair)
    assert len(expected) > 2
    assert [tuple(pair) for pair in merged_pairs(pairs, matrix, reach, 0.2).tolist()] == expected


def test_a_weak_pair_is_no_variable():
    matrix = matrix_of({(0, 1): 0.2, (1, 0): 0.2})
    pairs = torch.tensor([[0, 1]])
    assert len(merged_pairs(pairs, matrix, ONES, 0.15)) == 1
    # The weaker of both counts, each relative to what the moved latent varies by.
    reach = torch.tensor([1, 2, 1, 1], dtype=torch.float64)
    assert merged_pairs(pairs, matrix, reach, 0.15).tolist() == []
    assert variables_of(torch.zeros(0, 2, dtype=torch.int64), ALL).tolist() == [0, 1, 2, 3]


def test_latents_outside_the_graph_are_no_variable():
    found = variables_of(torch.zeros(0, 2, dtype=torch.int64), torch.tensor([True, False, True, True]))
    assert found[[0, 2, 3]].tolist() == [0, 1, 2]
    assert found[1].isnan()


def test_latents_that_only_act_on_others_are_displaced():
    swapped = torch.tensor([[0, 1.4, 0, 0], [1.4, 0, 0, 0], [0, 0, 1.4, 0.6], [0, 0, 0, 0.1]])
    # The last one repeats its parent, which has a response of its own.
    assert displaced_latents(swapped, 0.5).tolist() == [True, True, False, False]
    moved = torch.tensor([[0, 1.4, 0], [0, 0, 0], [0, 0, 1.4]])
    assert displaced_latents(moved, 0.5).tolist() == [True, True, False]
    assert displaced_latents(0.4 * torch.ones(3, 3), 0.5).tolist() == [False] * 3
