"""The response field and paths, as metrics."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch import nn

from vaehub import DataError, Dataset, VaehubError, WorkFailed, generator, wrap

ALL = {"split": "all"}
SMALL = {"size": 15, "n_decoded": 4}
PLANE = {"model.latent_dim": 2, "train.epochs": 3}


@pytest.fixture
def ring():
    """Return points on a circle of radius 1."""
    angle = 2 * torch.pi * torch.rand(2000, generator=generator(0, "angle"))
    return Dataset(torch.stack([angle.cos(), angle.sin()], dim=1), labels=(angle > torch.pi).long())


class OntoRing(nn.Module):
    """Takes every point to the nearest one of a circle of radius 1."""

    def forward(self, z):
        return z / z.norm(dim=1, keepdim=True).clamp_min(1e-6)


class Narrow(nn.Module):
    def forward(self, x):
        return x, torch.full_like(x, -5)


@pytest.fixture
def ring_model():
    return wrap(encoder=Narrow(), decoder=OntoRing())


# The field


def test_the_field_points_at_the_data_and_is_least_there(hub, ring_model, ring):
    settings = {**ALL, "size": 41, "extent": [-1.6, 1.6, -1.6, 1.6]}
    found = hub.measure("response_field", ring_model, data=ring, settings=settings)
    at = np.stack(np.meshgrid(found["first"], found["second"], indexing="ij"), axis=-1)
    distance = np.linalg.norm(at, axis=-1)
    length = np.linalg.norm(found["field"], axis=-1)
    off_centre = distance > 0.1
    np.testing.assert_allclose(length[off_centre], np.abs(1 - distance)[off_centre], atol=1e-5)
    assert found["length_at_data"] < 0.3 * found["mean_length"]
    # F = (1/r - 1) z, whose divergence is 1/r - 2: it draws together beyond r = 1/2.
    inner = ((distance > 0.7) & (distance < 1.5))[1:-1, 1:-1]
    slopes = found["divergence"][1:-1, 1:-1][inner]
    np.testing.assert_allclose(slopes, (1 / distance[1:-1, 1:-1] - 2)[inner], atol=0.08**2 / 0.7**3)
    assert 0.5 < found["attracting_rate"] < 1


def test_the_density_is_that_of_the_codes(hub, ring_model, ring):
    settings = {**ALL, "extent": [-2, 2, -2, 2], "size": 60}
    found = hub.measure("response_field", ring_model, data=ring, settings=settings)
    assert found["density_inside"] == pytest.approx(1, abs=0.01)
    at = np.stack(np.meshgrid(found["first"], found["second"], indexing="ij"), axis=-1)
    peak = np.unravel_index(found["density"].argmax(), (60, 60))
    assert np.linalg.norm(at[peak]) == pytest.approx(1, abs=0.15)


def test_unit_spacing_multiplies_by_the_step(hub, ring_model, ring):
    whole, of_steps = (
        hub.measure("response_field", ring_model, data=ring, settings={**ALL, **SMALL, "unit_spacing": each})
        for each in (False, True)
    )
    np.testing.assert_allclose(of_steps["divergence"], whole["divergence"] * 4 / 14, rtol=1e-9, atol=1e-12)


def test_the_rest_is_averaged_over_or_held(hub, make, data):
    # The first latent responds to the third.
    model = make(torch.tensor([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]]), torch.eye(3))
    averaged, held = (
        hub.measure("response_field", model, data=data, settings={**ALL, **SMALL, "rest": rest, "n_rest": 50})
        for rest in ("average", "sample")
    )
    assert averaged["n_rest"] == 50
    assert held["n_rest"] == 1
    for found in (averaged, held):
        np.testing.assert_allclose(found["field"][..., 0], 2 * found["rest"][:, 2].mean(), atol=1e-5)
        np.testing.assert_allclose(found["field"][..., 1], 0, atol=1e-5)
    prior = hub.measure("response_field", model, data=data, settings={**ALL, **SMALL, "source": "prior"})
    assert prior["rest"].std() == pytest.approx(1, abs=0.3)


def test_of_a_perfect_autoencoder_curvature_is_undefined_and_counted(hub, data):
    model = wrap(encoder=Narrow(), decoder=nn.Identity())
    found = hub.measure("response_field", model, data=data, settings={**ALL, **SMALL})
    assert found["n_undefined"] == 15 * 15
    assert found["attracting_rate"] == 0
    assert hub.figure(found.id) is not None


def test_codes_without_variance_have_a_density_too(hub):
    found = hub.run("ae", "response_field", settings={**PLANE, "metric.size": 15})[0]
    assert found["density"].max() > 0


def test_decoded_points_are_those_of_the_grid(hub, make, data):
    model = make(torch.eye(3), torch.eye(3))
    found = hub.measure("response_field", model, data=data, settings={**ALL, **SMALL, "latents": [2, 0]})
    shown = found["decoded"]
    assert shown.shape == (4, 4, 3)
    np.testing.assert_allclose(shown[0, 3, [2, 0]], [-2, 2])
    np.testing.assert_allclose(shown[..., 1], found["rest"][0, 1], rtol=1e-6)


# The path


def test_a_path_follows_the_ring_where_the_line_leaves_it(hub, ring_model, ring):
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "extent": [-1.5, 1.5, -1.5, 1.5], "temperature": 0.01}
    found = hub.measure("latent_path", ring_model, data=ring, settings=settings)
    radius = np.linalg.norm(found["path"], axis=1)
    assert np.abs(radius - 1).max() < 0.1
    assert found["line_moves"].max() > 0.8
    assert found["path_moves"].max() < 0.1
    assert found["mean_square_move_ratio"] < 0.02
    # Half a circle, in steps of multiples of 45 degrees.
    assert found["length_ratio"] == pytest.approx(np.pi / 2, rel=0.09)
    routes = found.result.tables["routes"]
    assert routes.keys["route"] == ("path", "line")
    # What the line decodes to jumps from one side of the ring to the other.
    assert routes.columns["greatest_step"][1] > 5 * routes.columns["greatest_step"][0]


@pytest.mark.parametrize("nodes", ["responses", "samples", "means"])
def test_among_samples_the_path_follows_the_ring_as_well(hub, ring_model, ring, nodes):
    settings = {**ALL, "on": "samples", "start": 3, "end": 5, "temperature": 0.01, "nodes": nodes}
    found = hub.measure("latent_path", ring_model, data=ring, settings=settings)
    np.testing.assert_allclose(found["path"][[0, -1]], ring.x[[3, 5]], atol=1e-6)
    assert np.abs(np.linalg.norm(found["path"], axis=1) - 1).max() < 0.2
    assert found["mean_square_move_ratio"] < 0.1


def test_no_path_among_samples_costs_more_than_the_line(shared):
    # Of the paper's cost alone.
    settings = {"model.latent_dim": 6, "train.epochs": 3, "metric.n_samples": 200, "metric.repulsion": 0}
    for seed in (0, 1):
        found = shared.run("vae", "latent_path", settings={**settings, "metric.end": 10 + seed, "metric.start": seed})[
            0
        ]
        # Both are integrals by few points, and the path's temperature counts length.
        assert found["integral_ratio"] < 1.1


def test_random_ends_are_of_different_labels(hub, ring_model, ring):
    found = hub.measure("latent_path", ring_model, data=ring, settings={**ALL, "size": 20})
    # Labels are the upper and the lower half.
    assert found["path"][0, 1] * found["path"][-1, 1] < 0


def test_routes_decode_to_as_many_frames_as_asked_for(hub):
    found = hub.run("vae", "latent_path", settings={**PLANE, "metric.n_frames": 7, "metric.size": 20})[0]
    assert found["path_frames"].shape == found["line_frames"].shape == (7, 1, 8, 8)


class Softly(nn.Module):
    """Takes points towards a circle of radius 1, and leaves the middle of it where it is."""

    def forward(self, z):
        radius = z.norm(dim=1, keepdim=True).clamp_min(1e-9)
        return z / radius * torch.tanh(3 * radius) / math.tanh(3)


def test_positive_divergence_keeps_the_path_off_the_middle_where_the_field_is_short_too(hub, ring):
    model = wrap(encoder=Narrow(), decoder=Softly())
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "temperature": 10}
    kept, papers = (
        hub.measure("latent_path", model, data=ring, settings={**settings, "repulsion": each}) for each in (100, 0)
    )
    # The paper's cost at the end is that of the middle: the field is 0 at both.
    assert np.linalg.norm(kept["path"], axis=1).min() > 0.5
    assert np.linalg.norm(papers["path"], axis=1).min() < 0.2
    routes = [found.result.tables["routes"].columns for found in (kept, papers)]
    assert routes[0]["repelling_rate"][0] < 0.05
    assert routes[1]["repelling_rate"][0] > 0.2
    # F = tanh(3 r) - r has the divergence 4 in the middle.
    assert papers["path_divergence"].max() == pytest.approx(4, abs=0.4)
    assert routes[0]["mean_log_density"][0] > routes[1]["mean_log_density"][0] + 2
    assert routes[0]["least_log_density"][0] > routes[1]["least_log_density"][0]


def test_among_samples_too_parting_responses_keep_the_path_off_a_ridge(hub):
    class Apart(nn.Module):
        """Draws the second latent towards 1 or -1."""

        def forward(self, z):
            return torch.stack([z[:, 0], torch.tanh(2 * z[:, 1]) / math.tanh(2)], dim=1)

    # A horseshoe: two lines, joined at one end.
    along = 3 * torch.rand(600, generator=generator(0, "along"))
    sides = torch.randint(2, (600,), generator=generator(0, "sides")) * 2.0 - 1
    lines = torch.stack([along, sides], dim=1)
    joint = torch.stack([torch.full((100,), 3.0), torch.linspace(-1, 1, 100)], dim=1)
    x = torch.cat([lines, joint]) + 0.15 * torch.randn(700, 2, generator=generator(0, "noise"))
    settings = {**ALL, "on": "samples", "nodes": "means", "start": [0, 1], "end": [0, -1], "temperature": 5}
    found = {
        repulsion: hub.measure(
            "latent_path",
            wrap(encoder=Narrow(), decoder=Apart()),
            data=Dataset(x),
            settings={**settings, "repulsion": repulsion},
        )
        for repulsion in (1000, 0)
    }
    assert found[0]["path"][:, 0].max() < 1
    assert found[1000]["path"][:, 0].max() > 2


def test_routes_are_measured_beside_the_data(hub, ring_model, ring):
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "temperature": 0.01}
    # A piece in the middle of the upper half has a label of its own.
    angle = torch.atan2(ring.x[:, 1], ring.x[:, 0])
    labels = ((angle > 1.4) & (angle < 1.8)).long()
    found = hub.measure("latent_path", ring_model, data=Dataset(ring.x, labels=labels), settings=settings)
    routes = found.result.tables["routes"].columns
    assert routes["label_changes"].tolist() == [2, 2]
    assert routes["own_label_rate"][0] == pytest.approx(1 - 0.4 / math.pi, abs=0.06)
    # 2000 observations on the circle, onto which all is decoded.
    assert routes["mean_data_distance"].max() < 0.005
    assert routes["own_label_distance"][0] > 4 * routes["mean_data_distance"][0]
    without = hub.measure("latent_path", ring_model, data=Dataset(ring.x), settings=settings)
    assert "label_changes" not in without.result.tables["routes"].columns
    np.testing.assert_array_equal(without["path"], found["path"])


def in_a_plane(n):
    """Return a model of four latents, of which the third and the first are those of the ring, and its data."""

    class Ring(nn.Module):
        def forward(self, z):
            ring = z[:, [2, 0]] / z[:, [2, 0]].norm(dim=1, keepdim=True).clamp_min(1e-6)
            return torch.stack([ring[:, 1], z[:, 1], ring[:, 0], z[:, 3]], dim=1)

    angle = 2 * torch.pi * torch.rand(n, generator=generator(0, "angle"))
    others = torch.randn(n, 2, generator=generator(0, "others"))
    x = torch.stack([angle.sin(), others[:, 0], angle.cos(), others[:, 1]], dim=1)
    return wrap(encoder=Narrow(), decoder=Ring()), Dataset(x)


@pytest.mark.parametrize("rest", ["start", "average", "sample"])
def test_a_path_in_a_plane_of_two_of_many_latents_is_that_of_these_two_alone(hub, ring_model, ring, rest):
    whole, data = in_a_plane(2000)
    settings = {**ALL, "temperature": 0.01, "extent": [-1.5, 1.5, -1.5, 1.5], "n_rest": 3}
    alone = hub.measure(
        "latent_path", ring_model, data=ring, settings={**settings, "start": [1, 0.05], "end": [-1, 0.05]}
    )
    ends = {"start": [0.05, 0.3, 1, -0.7], "end": [0.05, 5, -1, 5]}
    found = hub.measure("latent_path", whole, data=data, settings={**settings, **ends, "latents": [2, 0], "rest": rest})
    np.testing.assert_allclose(found["path"][:, [2, 0]], alone["path"], atol=1e-6)
    held = np.ptp(found["path"][:, [1, 3]], axis=0)
    assert (held == 0).all()
    assert (found["path"][0, [1, 3]] == [0.3, -0.7]).all() == (rest != "sample")
    assert found["plane"].tolist() == [2, 0]
    np.testing.assert_allclose(found["path_frames"][:, [1, 3]], found["path"][:20, [1, 3]], atol=1e-6)
    axes = hub.figure(found.id).axes
    assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("latent 2", "latent 0")


def test_the_rest_of_a_plane_decides_its_field(hub, make, data):
    # The first latent responds to the third, by as much as that is.
    model = make(torch.tensor([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]]), torch.eye(3))
    ends = {"start": [0, 0, 0.5], "end": [1, 1, 9]}
    found = {
        rest: hub.measure(
            "latent_path",
            model,
            data=data,
            settings={**ALL, **ends, "latents": [0, 1], "rest": rest, "n_rest": n, "size": 9},
        )["moves"]
        for rest, n in (("start", 1), ("average", 4), ("sample", 4))
    }
    np.testing.assert_allclose(found["start"], 1, atol=1e-5)
    assert found["average"] == pytest.approx(found["average"][0, 0], abs=1e-5)
    assert abs(found["average"][0, 0] - 1) > 1e-3
    assert abs(found["sample"][0, 0] - found["average"][0, 0]) > 1e-3


def test_the_grid_covers_the_data_by_itself(hub, make, data):
    found = hub.measure("latent_path", make(torch.eye(3), torch.eye(3)), data=data, settings={
        **ALL, "latents": [0, 2], "start": 0, "end": 1, "size": 12, "n_samples": "all"
    })  # fmt: skip
    for name, at in (("first", 0), ("second", 2)):
        low, high = data.x[:, at].min(), data.x[:, at].max()
        margin = 0.1 * (high - low)
        np.testing.assert_allclose(found[name][[0, -1]], [low - margin, high + margin], rtol=1e-5)


# What is refused


def test_planes_that_there_are_not_are_refused(hub):
    for more, message in (
        ({"latents": [0, 4]}, "was given latents 0 and 4, and needs two different ones of the 4 of this model"),
        ({"latents": [1, 1]}, "was given latents 1 and 1, and needs two different ones"),
        ({"latents": [0, 1], "on": "samples"}, "was given the latents of a plane, and a path among samples takes all"),
    ):
        with pytest.raises(VaehubError, match=message):
            hub.run(
                "vae", "latent_path", settings={"model.latent_dim": 4, **{f"metric.{k}": v for k, v in more.items()}}
            )
    assert not hub.store.exists


@pytest.mark.parametrize("metric", ["response_field", "latent_path"])
def test_a_grid_of_one_point_or_without_extent_is_refused(hub, metric):
    with pytest.raises(VaehubError, match=r"was given a grid of 1 x 1 points, and needs at least 2 along each axis"):
        hub.run("vae", metric, settings={**PLANE, "metric.size": 1})
    with pytest.raises(VaehubError, match=r"the extent 2, -2, -2, 2, which does not rise"):
        hub.run("vae", metric, settings={**PLANE, "metric.extent": [2, -2, -2, 2]})
    assert not hub.store.exists


@pytest.mark.parametrize("latents", [[0, 2], [1, 1]])
def test_latents_out_of_range_or_the_same_are_refused(hub, latents):
    with pytest.raises(VaehubError, match=r"needs two different ones of the 2 of this model, which are counted from 0"):
        hub.run("vae", "response_field", settings={**PLANE, "metric.latents": latents})
    assert not hub.store.exists


def test_ends_that_there_are_not_are_refused(hub):
    for more, message in (
        (
            {"start": [9, 0], "extent": [-4, 4, -4, 4]},
            r"has its start at \(9, 0\), outside the grid, which reaches from -4 to 4",
        ),
        ({"end": [0, 0, 0]}, "a point of 3 values as end, and this model has 2 latents"),
    ):
        with pytest.raises(VaehubError, match=message):
            hub.run("vae", "latent_path", settings={**PLANE, **{f"metric.{k}": v for k, v in more.items()}})
    with pytest.raises(DataError, match="was given row 5000 as start, and the split 'train' has rows 0 to 1616"):
        hub.run("vae", "latent_path", settings={**PLANE, "metric.start": 5000})
    with pytest.raises(VaehubError, match=r"searches a grid over 2 latents, and this model has 4; '-s metric.lat"):
        hub.run("vae", "latent_path", settings={"model.latent_dim": 4, "metric.on": "grid"})
    assert not hub.store.exists


def test_an_observation_outside_the_grid_is_a_failure_that_says_so(hub, ring_model, ring):
    settings = {**ALL, "start": 0, "end": 1, "extent": [-0.1, 0.1, -0.1, 0.1]}
    with pytest.raises(WorkFailed, match=r"has its start at .* outside the grid"):
        hub.measure("latent_path", ring_model, data=ring, settings=settings)


# Plots


def test_a_plot_of_a_field_has_maps_arrows_and_images(shared):
    found = shared.run("vae", "response_field", settings={**PLANE, "metric.size": 15})[0]
    figure = shared.figure(found.id)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [
        "density of the aggregate posterior",
        "length of the response's move",
        "divergence",
        "mean curvature",
        "what the grid decodes to",
    ]
    density, length = figure.axes[:2]
    # The first latent goes across.
    np.testing.assert_allclose(density.images[0].get_array(), found["density"].T)
    assert length.collections[0].U.size == 15 * 15


@pytest.mark.parametrize("extent", [[-2, 2, -2, 2], [-1, 1, -3, 3]])
def test_arrows_are_as_long_as_responses_move(hub, extent):
    # Every latent responds by itself and 0.3 across, 0.4 up.
    class Aside(nn.Module):
        def forward(self, x):
            return x + torch.tensor([0.3, 0.4]), torch.full_like(x, -20)

    data = Dataset(torch.randn(100, 2, generator=generator(0, "x")))
    model = wrap(encoder=Aside(), decoder=nn.Identity())
    found = hub.measure("response_field", model, data=data, settings={**ALL, **SMALL, "extent": extent})
    figure = hub.figure(found.id)
    figure.canvas.draw()
    axes = next(each for each in figure.axes if each.get_title() == "length of the response's move")
    arrows = axes.collections[0]
    (left, bottom), (right, top) = axes.transData.transform([(0, 0), (0.3, 0.4)])
    direction = np.array([right - left, top - bottom])
    for path in arrows.get_paths():
        corners = arrows.get_transform().transform(path.vertices) @ direction / np.linalg.norm(direction)
        assert corners.max() - corners.min() == pytest.approx(np.linalg.norm(direction), rel=0.02)


def test_a_plane_that_is_no_square_keeps_its_directions_and_its_images_their_shape(shared):
    settings = {**PLANE, "metric.size": 15, "metric.extent": [-3, 3, -1, 1]}
    figure = shared.figure(shared.run("vae", "response_field", settings=settings)[0].id)
    maps, sheet = figure.axes[:4], next(axes for axes in figure.axes if "decodes to" in axes.get_title())
    assert [axes.get_aspect() for axes in maps] == [1] * 4
    n_down, n_across = sheet.images[0].get_array().shape[:2]
    (left, right), (bottom, top) = sheet.get_xlim(), sheet.get_ylim()
    # What a pixel is wide in the first latent, and high in the second, is as long on paper.
    assert (right - left) / n_across == pytest.approx(sheet.get_aspect() * (top - bottom) / n_down)


@pytest.mark.parametrize("n_values", [2, 3, 5])
def test_plots_of_vectors_show_what_can_be_shown(hub, n_values):
    x = torch.randn(300, n_values, generator=generator(0, "x"))
    model = wrap(encoder=nn.Linear(n_values, 2), decoder=nn.Linear(2, n_values))
    field = hub.measure("response_field", model, data=Dataset(x), settings={**ALL, **SMALL})
    is_shown = any("decodes to" in axes.get_title() for axes in hub.figure(field.id).axes)
    path = hub.measure("latent_path", model, data=Dataset(x), settings={**ALL, "size": 12, "extent": [-9, 9, -9, 9]})
    lines = any("decode to" in axes.get_title() for axes in hub.figure(path.id).axes)
    assert is_shown == lines == (n_values < 5)


def test_a_plot_of_a_path_has_both_routes_and_their_frames(shared):
    found = shared.run("vae", "latent_path", settings={**PLANE, "metric.size": 20, "metric.start": 0, "metric.end": 9})[
        0
    ]
    figure = shared.figure(found.id)
    plane = figure.axes[0]
    np.testing.assert_allclose(plane.lines[0].get_xydata(), found["path"])
    np.testing.assert_allclose(plane.lines[1].get_xydata(), found["line"])
    green, red = (to_rgb(line.get_color()) for line in plane.lines[:2])
    assert green[1] > 2 * green[0]
    assert red[0] > 2 * red[1]
    np.testing.assert_allclose(plane.images[0].get_array(), found["density"].T)
    divergences = next(axes for axes in figure.axes if axes.get_title() == "divergence")
    np.testing.assert_allclose(divergences.images[0].get_array(), found["divergence"].T)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles.count("along the path") == titles.count("along the straight line") == 1
