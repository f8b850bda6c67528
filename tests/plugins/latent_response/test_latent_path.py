"""Paths that follow the responses, as a metric."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from ring_models import Narrow
from torch import nn

from vaehub import DataError, Dataset, VaehubError, WorkFailed, generator, wrap

ALL = {"split": "all"}
PLANE = {"model.latent_dim": 2, "train.epochs": 3}


def test_a_path_follows_the_ring_where_the_line_leaves_it(shared, ring_model, ring):
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "extent": [-1.5, 1.5, -1.5, 1.5], "temperature": 0.01}
    found = shared.measure("latent_path", ring_model, data=ring, settings=settings)
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
def test_among_samples_the_path_follows_the_ring_as_well(shared, ring_model, ring, nodes):
    settings = {**ALL, "on": "samples", "start": 3, "end": 5, "temperature": 0.01, "nodes": nodes}
    found = shared.measure("latent_path", ring_model, data=ring, settings=settings)
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


def test_random_ends_are_of_different_labels(shared, ring_model, ring):
    found = shared.measure("latent_path", ring_model, data=ring, settings={**ALL, "size": 20})
    # Labels are the upper and the lower half.
    assert found["path"][0, 1] * found["path"][-1, 1] < 0


def test_routes_decode_to_as_many_frames_as_asked_for(shared):
    found = shared.run("vae", "latent_path", settings={**PLANE, "metric.n_frames": 7, "metric.size": 20})[0]
    assert found["path_frames"].shape == found["line_frames"].shape == (7, 1, 8, 8)


class Softly(nn.Module):
    """Takes points towards a circle of radius 1, and leaves the middle of it where it is."""

    def forward(self, z):
        radius = z.norm(dim=1, keepdim=True).clamp_min(1e-9)
        return z / radius * torch.tanh(3 * radius) / math.tanh(3)


def test_positive_divergence_keeps_the_path_off_the_middle_where_the_field_is_short_too(shared, ring):
    model = wrap(encoder=Narrow(), decoder=Softly())
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "temperature": 10}
    kept, papers = (
        shared.measure("latent_path", model, data=ring, settings={**settings, "repulsion": each}) for each in (100, 0)
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


def test_among_samples_too_parting_responses_keep_the_path_off_a_ridge(shared):
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
        repulsion: shared.measure(
            "latent_path",
            wrap(encoder=Narrow(), decoder=Apart()),
            data=Dataset(x),
            settings={**settings, "repulsion": repulsion},
        )
        for repulsion in (1000, 0)
    }
    assert found[0]["path"][:, 0].max() < 1
    assert found[1000]["path"][:, 0].max() > 2


def test_routes_are_measured_beside_the_data(shared, ring_model, ring):
    settings = {**ALL, "start": [1, 0.05], "end": [-1, 0.05], "temperature": 0.01}
    # A piece in the middle of the upper half has a label of its own.
    angle = torch.atan2(ring.x[:, 1], ring.x[:, 0])
    labels = ((angle > 1.4) & (angle < 1.8)).long()
    found = shared.measure("latent_path", ring_model, data=Dataset(ring.x, labels=labels), settings=settings)
    routes = found.result.tables["routes"].columns
    assert routes["label_changes"].tolist() == [2, 2]
    assert routes["own_label_rate"][0] == pytest.approx(1 - 0.4 / math.pi, abs=0.06)
    # 2000 observations on the circle, onto which all is decoded.
    assert routes["mean_data_distance"].max() < 0.005
    assert routes["own_label_distance"][0] > 4 * routes["mean_data_distance"][0]
    without = shared.measure("latent_path", ring_model, data=Dataset(ring.x), settings=settings)
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
def test_a_path_in_a_plane_of_two_of_many_latents_is_that_of_these_two_alone(shared, ring_model, ring, rest):
    whole, data = in_a_plane(2000)
    settings = {**ALL, "temperature": 0.01, "extent": [-1.5, 1.5, -1.5, 1.5], "n_rest": 3}
    alone = shared.measure(
        "latent_path", ring_model, data=ring, settings={**settings, "start": [1, 0.05], "end": [-1, 0.05]}
    )
    ends = {"start": [0.05, 0.3, 1, -0.7], "end": [0.05, 5, -1, 5]}
    found = shared.measure(
        "latent_path", whole, data=data, settings={**settings, **ends, "latents": [2, 0], "rest": rest}
    )
    np.testing.assert_allclose(found["path"][:, [2, 0]], alone["path"], atol=1e-6)
    held = np.ptp(found["path"][:, [1, 3]], axis=0)
    assert (held == 0).all()
    assert (found["path"][0, [1, 3]] == [0.3, -0.7]).all() == (rest != "sample")
    assert found["plane"].tolist() == [2, 0]
    np.testing.assert_allclose(found["path_frames"][:, [1, 3]], found["path"][:20, [1, 3]], atol=1e-6)
    axes = shared.figure(found.id).axes
    assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("latent 2", "latent 0")


def test_the_rest_of_a_plane_decides_its_field(shared, make, data):
    # The first latent responds to the third, by as much as that is.
    model = make(torch.tensor([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]]), torch.eye(3))
    ends = {"start": [0, 0, 0.5], "end": [1, 1, 9]}
    found = {
        rest: shared.measure(
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


def test_the_grid_covers_the_data_by_itself(shared, make, data):
    found = shared.measure("latent_path", make(torch.eye(3), torch.eye(3)), data=data, settings={
        **ALL, "latents": [0, 2], "start": 0, "end": 1, "size": 12, "n_samples": "all"
    })  # fmt: skip
    for name, at in (("first", 0), ("second", 2)):
        low, high = data.x[:, at].min(), data.x[:, at].max()
        margin = 0.1 * (high - low)
        np.testing.assert_allclose(found[name][[0, -1]], [low - margin, high + margin], rtol=1e-5)


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
