"""The picture of the graph between causal latents."""

import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from vaehub import Result, Table, Vector
from vaehub.plugins.latent_response.causal_graph import draw_graph, side_of
from vaehub.plugins.latent_response.kernels import (
    Moments,
    causal_edges,
    displaced_latents,
    merged_pairs,
    symmetric_pairs,
    variables_of,
)
from vaehub.plugins.latent_response.plots import matrix_and_graph


def result_of(matrix, causal_threshold=0.5):
    """Return what the metric would of a matrix that is known exactly, with thresholds of 0.08."""
    matrix = torch.as_tensor(np.asarray(matrix, dtype=float))
    is_causal, is_displaced = matrix.diagonal() >= causal_threshold, displaced_latents(matrix, causal_threshold)
    is_node, ones = is_causal | is_displaced, torch.ones(len(matrix), dtype=torch.float64)
    moments = Moments(matrix.square(), torch.zeros_like(matrix))
    edges = causal_edges(moments, is_node, 0.08 * ones, 1.0)
    pairs = symmetric_pairs(matrix, edges)
    variables = variables_of(merged_pairs(pairs[is_causal[pairs].all(dim=1)], matrix, ones, 0.15), is_node)
    tables = {}
    if len(edges.cause):
        keys = {"cause": edges.cause.tolist(), "effect": edges.effect.tolist()}
        tables["edges"] = Table(keys, {"response": edges.response})
    return Result(
        scalars={"n_variables": len(np.unique(variables[is_node]))},
        vectors={
            "is_causal": Vector(is_causal),
            "is_displaced": Vector(is_displaced),
            "variable": Vector(variables),
            "edge_threshold": Vector(0.08 * ones),
        },
        tables=tables,
        arrays={"matrix": matrix},
    )


def drawn(matrix):
    axes = Figure(figsize=(side_of(len(matrix)),) * 2).subplots()
    draw_graph(axes, result_of(matrix))
    return axes


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def circles(axes):
    return [patch for patch in axes.patches if isinstance(patch, Circle)]


def curve(arrow):
    """Return points of an arrow's line, in units of the circle that latents are on."""
    # The first three are those of the arc, the others of the head.
    points = arrow.get_path().vertices[:3]
    t = np.linspace(0, 1, 50)[:, None]
    return (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]


def random_matrix(rng, latent_dim):
    return np.eye(latent_dim) + rng.random((latent_dim, latent_dim)) * (1 - np.eye(latent_dim))


def test_each_edge_is_an_arrow_from_cause_to_effect():
    matrix = np.eye(4)
    matrix[0, 1], matrix[2, 0] = 0.8, 0.2
    axes = drawn(matrix)
    weak, strong = arrows(axes)
    nodes = {text.get_text(): circle for text, circle in zip(axes.texts, circles(axes), strict=True)}
    assert (strong.patchA, strong.patchB) == (nodes["0"], nodes["1"])
    assert (weak.patchA, weak.patchB) == (nodes["2"], nodes["0"])
    assert axes.get_title() == "2 edges above 0.08"


def test_arrows_are_as_wide_and_dark_as_they_are_strong():
    matrix = np.eye(3)
    matrix[0, 1], matrix[1, 2] = 0.8, 0.2
    axes = drawn(matrix)
    weak, strong = arrows(axes)
    assert weak.get_linewidth() == pytest.approx(strong.get_linewidth() / 4)
    assert weak.get_edgecolor()[0] > strong.get_edgecolor()[0] == 0
    key = axes.get_legend()
    assert [text.get_text() for text in key.get_texts()] == ["0.8", "0.2"]
    assert [line.get_linewidth() for line in key.get_lines()] == [strong.get_linewidth(), weak.get_linewidth()]


def test_latents_stand_clockwise_from_the_top(rng):
    places = {node.get_gid(): node.center for node in circles(drawn(random_matrix(rng, 4)))}
    assert places["0"] == pytest.approx((0, 1))
    assert places["1"] == pytest.approx((1, 0))
    assert places["2"] == pytest.approx((0, -1))


@pytest.mark.parametrize(("latent_dim", "n"), [(4, 12), (5, 12), (12, 24), (24, 48)])
def test_of_too_many_edges_the_strongest_are_drawn_and_counted(rng, latent_dim, n):
    matrix = random_matrix(rng, latent_dim)
    others = matrix[~np.eye(latent_dim, dtype=bool)]
    n_all = int((others > 0.08).sum())
    axes = drawn(matrix)
    shown = [(int(each.patchA.get_gid()), int(each.patchB.get_gid())) for each in arrows(axes)]
    assert sorted(matrix[pair] for pair in shown) == pytest.approx(np.sort(others)[-min(n, n_all) :])
    expected = f"strongest {n} of {n_all} edges" if n_all > n else f"{n_all} edges"
    assert axes.get_title().startswith(f"{expected} above")


@pytest.mark.parametrize("latent_dim", [2, 3, 4, 5, 8, 12, 24])
def test_no_arrow_runs_behind_another_latent_and_pairs_do_not_cover_each_other(latent_dim):
    # All other pairs are turned ones of these.
    for other in range(1, latent_dim):
        matrix = np.eye(latent_dim)
        matrix[0, other] = matrix[other, 0] = 1
        axes = drawn(matrix)
        there, back = map(curve, arrows(axes))
        for node in circles(axes):
            if node.get_gid() in ("0", str(other)):
                continue
            for points in (there, back):
                assert np.linalg.norm(points - node.center, axis=1).min() > node.radius
        assert np.linalg.norm(there[25] - back[25]) > 0.03


def test_arrows_end_at_the_rim(rng):
    axes = drawn(random_matrix(rng, 6))
    for arrow in arrows(axes):
        points = curve(arrow)
        for end, node in ((points[0], arrow.patchA), (points[-1], arrow.patchB)):
            # The line stops at the base of its head.
            assert np.linalg.norm(end - node.center) == pytest.approx(node.radius, abs=0.1)
            assert np.linalg.norm(end - node.center) > 0.95 * node.radius


def test_latents_that_are_not_causal_are_small_and_below():
    axes = drawn(np.diag([1.0] * 3 + [0.1] * 40))
    causal, others = circles(axes)[:3], circles(axes)[3:]
    assert len(others) == 40
    assert max(each.radius for each in others) < min(each.radius for each in causal)
    assert max(each.center[1] + each.radius for each in others) < min(each.center[1] - each.radius for each in causal)
    places = np.array([each.center for each in others])
    apart = np.linalg.norm(places[:, None] - places, axis=-1)[~np.eye(40, dtype=bool)]
    assert apart.min() > 2 * others[0].radius
    assert axes.get_ylim()[0] < places[:, 1].min() - others[0].radius
    assert axes.get_title() == "0 edges above 0.08"


def test_latents_of_one_variable_have_one_colour_and_others_none():
    matrix = np.eye(5)
    matrix[0, 1] = matrix[1, 0] = matrix[2, 3] = matrix[3, 2] = 0.5
    axes = drawn(matrix)
    first, second, third, fourth, alone = (circle.get_facecolor() for circle in circles(axes))
    assert first == second != third == fourth
    assert alone == (1, 1, 1, 1)
    assert axes.get_title().endswith("one colour: parts of one variable")
    assert "colour" not in drawn(np.eye(3)).get_title()


def test_two_causal_latents_are_needed():
    axes = drawn(np.diag([1.0, 0.1]))
    assert axes.get_title() == "no two latents are causal"
    assert not arrows(axes)
    assert drawn(np.zeros((3, 3))).get_title() == "no two latents are causal"


def test_the_same_result_gives_the_same_picture(rng):
    matrix = random_matrix(rng, 12)
    pictures = []
    for _ in range(2):
        file = io.BytesIO()
        matrix_and_graph(result_of(matrix)).savefig(file, format="png", dpi=40)
        pictures.append(file.getvalue())
    assert pictures[0] == pictures[1]


def test_displaced_latents_are_on_the_circle_with_a_dashed_rim_and_are_named():
    matrix = np.diag([0.0, 0.0, 1.0])
    matrix[0, 1] = matrix[1, 0] = 1
    axes = drawn(matrix)
    first, second, third = circles(axes)
    assert first.get_linestyle() == second.get_linestyle() == "--"
    assert third.get_linestyle() == "solid"
    assert len(arrows(axes)) == 2
    assert axes.get_title().endswith("dashed: without a response of its own")
    # They are two variables.
    assert first.get_facecolor() == (1, 1, 1, 1)


def test_thresholds_that_differ_are_named_from_the_least_to_the_greatest():
    found = result_of(np.eye(3))
    vectors = {**found.vectors, "edge_threshold": Vector([0.1, 0.2, 0.3])}
    axes = Figure().subplots()
    draw_graph(axes, Result(scalars=found.scalars, vectors=vectors, arrays=found.arrays))
    assert axes.get_title() == "0 edges above thresholds of 0.1 to 0.3"
