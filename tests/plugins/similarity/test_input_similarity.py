"""Similarity of the layers of a model with its input: Bonheme 2023, Figure 7.7."""

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import Dataset, VaehubError, generator
from vaehub.analysis import representations
from vaehub.core.random import seeded_construction
from vaehub.hub.refusals import refuse
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import VaeParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.plugins.similarity.input_similarity import InputSimilarity
from vaehub.plugins.similarity.kernels import linear_cka, procrustes_similarity


@pytest.fixture
def data():
    return Dataset(torch.rand(200, 6, generator=generator(0, "x")))


@pytest.fixture
def model(data):
    with seeded_construction(0):
        return Vae(VaeParams(latent_dim=3), Mlp(MlpParams(hidden=(8, 5)), data.spec, 3, 2), data.spec).eval()


def measured(model, data, **params):
    metric = InputSimilarity(InputSimilarity.Params(**params), name="input_similarity")
    refuse(metric, model, data)
    with torch.no_grad():
        return metric.measure(model, data)


def test_each_layer_of_the_encoder_is_compared_with_the_input(model, data):
    found = measured(model, data)
    layers = representations(model, data, layers=["input", "encoder_1", "encoder_2"], generator=generator(0, "z"))
    table = found.tables["similarity"]
    assert list(table.keys["layer"]) == ["encoder_1", "encoder_2"]
    for row, name in enumerate(("encoder_1", "encoder_2")):
        assert table.columns["cka"][row] == pytest.approx(linear_cka(layers["input"], layers[name]), rel=1e-5)
        expected = procrustes_similarity(layers["input"], layers[name])
        assert table.columns["procrustes"][row] == pytest.approx(expected, rel=1e-5)
    assert (table.columns["smaller"] == np.minimum(table.columns["cka"], table.columns["procrustes"])).all()
    assert list(found.tables["layers"].keys["layer"]) == ["input", "encoder_1", "encoder_2"]


def test_a_layer_that_keeps_the_input_has_a_similarity_of_one(model, data):
    first = next(layer for layer in model.network.encoder.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        first.weight.zero_()
        first.weight[:6] = torch.linalg.qr(torch.randn(6, 6, generator=generator(1, "w"))).Q
        first.bias.fill_(10.0)  # ReLU changes nothing
    table = measured(model, data, layers=("encoder_1",)).tables["similarity"]
    assert [float(table.columns[name][0]) for name in ("cka", "procrustes")] == pytest.approx([1, 1], abs=1e-5)


def test_layers_are_chosen_and_those_that_there_are_not_are_refused(model, data):
    found = measured(model, data, layers=("mean", "encoder_2"), n_samples=50)
    assert set(found.tables["similarity"].keys["layer"]) == {"mean", "encoder_2"}
    assert found.scalars["n_samples"] == 50
    with pytest.raises(VaehubError, match="encoder_9"):
        measured(model, data, layers=("encoder_9",))


def test_an_encoder_without_layers_of_its_own_is_refused(model, data):
    model.network.encoder = nn.Linear(6, 6)
    with pytest.raises(VaehubError, match="compares layers of the encoder, and of those this model has none"):
        measured(model, data)


def test_the_picture_has_two_bars_for_each_layer(model, data):
    axes = InputSimilarity(InputSimilarity.Params()).plot(measured(model, data)).axes[0]
    assert len(axes.patches) == 4
    assert axes.get_ylim() == (0, 1.05)
