"""The response field, as a metric."""

import numpy as np
import pytest
import torch
from ring_models import Narrow
from torch import nn

from vaehub import Dataset, VaehubError, generator, wrap

ALL = {"split": "all"}
SMALL = {"size": 15, "n_decoded": 4}
PLANE = {"model.latent_dim": 2, "train.epochs": 3}


def test_the_field_points_at_the_data_and_is_least_there(shared, ring_model, ring):
    settings = {**ALL, "size": 41, "extent": [-1.6, 1.6, -1.6, 1.6]}
    found = shared.measure("response_field", ring_model, data=ring, settings=settings)
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


def test_the_density_is_that_of_the_codes(shared, ring_model, ring):
    settings = {**ALL, "extent": [-2, 2, -2, 2], "size": 60}
    found = shared.measure("response_field", ring_model, data=ring, settings=settings)
    assert found["density_inside"] == pytest.approx(1, abs=0.01)
    at = np.stack(np.meshgrid(found["first"], found["second"], indexing="ij"), axis=-1)
    peak = np.unravel_index(found["density"].argmax(), (60, 60))
    assert np.linalg.norm(at[peak]) == pytest.approx(1, abs=0.15)


def test_unit_spacing_multiplies_by_the_step(shared, ring_model, ring):
    whole, of_steps = (
        shared.measure("response_field", ring_model, data=ring, settings={**ALL, **SMALL, "unit_spacing": each})
        for each in (False, True)
    )
    np.testing.assert_allclose(of_steps["divergence"], whole["divergence"] * 4 / 14, rtol=1e-9, atol=1e-12)


def test_the_rest_is_averaged_over_or_held(shared, make, data):
    # The first latent responds to the third.
    model = make(torch.tensor([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]]), torch.eye(3))
    averaged, held = (
        shared.measure("response_field", model, data=data, settings={**ALL, **SMALL, "rest": rest, "n_rest": 50})
        for rest in ("average", "sample")
    )
    assert averaged["n_rest"] == 50
    assert held["n_rest"] == 1
    for found in (averaged, held):
        np.testing.assert_allclose(found["field"][..., 0], 2 * found["rest"][:, 2].mean(), atol=1e-5)
        np.testing.assert_allclose(found["field"][..., 1], 0, atol=1e-5)
    prior = shared.measure("response_field", model, data=data, settings={**ALL, **SMALL, "source": "prior"})
    assert prior["rest"].std() == pytest.approx(1, abs=0.3)


def test_of_a_perfect_autoencoder_curvature_is_undefined_and_counted(shared, data):
    model = wrap(encoder=Narrow(), decoder=nn.Identity())
    found = shared.measure("response_field", model, data=data, settings={**ALL, **SMALL})
    assert found["n_undefined"] == 15 * 15
    assert found["attracting_rate"] == 0
    assert shared.figure(found.id) is not None


def test_codes_without_variance_have_a_density_too(shared):
    found = shared.run("ae", "response_field", settings={**PLANE, "metric.size": 15})[0]
    assert found["density"].max() > 0


def test_decoded_points_are_those_of_the_grid(shared, make, data):
    model = make(torch.eye(3), torch.eye(3))
    found = shared.measure("response_field", model, data=data, settings={**ALL, **SMALL, "latents": [2, 0]})
    shown = found["decoded"]
    assert shown.shape == (4, 4, 3)
    np.testing.assert_allclose(shown[0, 3, [2, 0]], [-2, 2])
    np.testing.assert_allclose(shown[..., 1], found["rest"][0, 1], rtol=1e-6)


@pytest.mark.parametrize("latents", [[0, 2], [1, 1]])
def test_latents_out_of_range_or_the_same_are_refused(hub, latents):
    with pytest.raises(VaehubError, match=r"needs two different ones of the 2 of this model, which are counted from 0"):
        hub.run("vae", "response_field", settings={**PLANE, "metric.latents": latents})
    assert not hub.store.exists


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
def test_arrows_are_as_long_as_responses_move(shared, extent):
    # Every latent responds by itself and 0.3 across, 0.4 up.
    class Aside(nn.Module):
        def forward(self, x):
            return x + torch.tensor([0.3, 0.4]), torch.full_like(x, -20)

    data = Dataset(torch.randn(100, 2, generator=generator(0, "x")))
    model = wrap(encoder=Aside(), decoder=nn.Identity())
    found = shared.measure("response_field", model, data=data, settings={**ALL, **SMALL, "extent": extent})
    figure = shared.figure(found.id)
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
