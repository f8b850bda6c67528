"""ResNet-18 with a user's weights, beside torchvision's and timm's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vaehub import DataError, Dataset, VaehubError, generator
from vaehub.features import FeatureParams
from vaehub.files import checksum
from vaehub.hub.extractors import Extractors, with_identities
from vaehub.plugins.diversity.embedding import EmbeddingDiversity
from vaehub.plugins.diversity.kernels import embedding_diversity
from vaehub.plugins.diversity.params import EmbeddingDiversityParams
from vaehub.plugins.features.imagenet import as_imagenet
from vaehub.plugins.features.resnet18 import ResNet18, load_resnet18
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()
PUBLISHED_N_WEIGHTS = 11_689_512 - 513_000
"""Of torchvision's resnet18, less its layer for 1,000 classes."""


def waves(shapes):
    """Return weights by a formula, the same as the oracle's, scaled so that activations neither vanish nor grow."""
    made = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            made[name] = torch.zeros((), dtype=torch.int64)
            continue
        value = torch.empty(shape)
        at = torch.arange(value.numel(), dtype=torch.float64)
        wave = torch.sin(at.square() * 0.37 + len(name)).reshape(shape)
        if value.ndim > 1:
            made[name] = (wave * (4 / value[0].numel()) ** 0.5).float()
        elif ("bn" in name or "downsample.1" in name) and name.endswith(("weight", "running_var")):
            made[name] = (1 + 0.3 * wave).float()
        else:
            made[name] = (0.1 * wave).float()
    return made


@pytest.fixture(scope="module")
def known():
    with np.load(Path(__file__).parents[2] / "oracles" / "resnet18.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def state(known):
    """What torchvision's files hold: all names, with the layer for classes and the counts of batches."""
    pairs = [str(line).partition(" ") for line in known["names"]]
    return waves({name: tuple(map(int, shape.split("x"))) if shape else () for name, _, shape in pairs})


@pytest.fixture
def file(state, tmp_path):
    torch.save(state, tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


def by(**settings):
    params = with_identities(CATALOG, FeatureParams(features="resnet18", **settings), str, owner="metric 'any'")
    return params, Extractors(CATALOG, None)(params, torch.device("cpu"))


def test_features_are_those_of_torchvision_and_of_timm(known, file):
    x = torch.from_numpy(known["images"]).float() / 255 * 4 - 2
    expected = torch.from_numpy(known["features"])
    with torch.no_grad():
        found = load_resnet18(file)(x)
    assert expected.std(dim=0).mean() > 0.1
    # Sums of up to 4,608 products in float32, eighteen layers deep.
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().mean()))


def test_it_has_as_many_weights_as_the_published_network():
    assert sum(value.numel() for value in ResNet18().parameters()) == PUBLISHED_N_WEIGHTS


@pytest.mark.parametrize("kind", ["without classes", "without counts", "safetensors", "parallel", "in a checkpoint"])
def test_files_of_all_kinds_hold_the_same_network(kind, state, file, tmp_path):
    other = tmp_path / "other.pth"
    if kind == "safetensors":
        other = tmp_path / "other.safetensors"
        save_file(state, other)
    elif kind == "parallel":
        torch.save({f"module.{name}": value for name, value in state.items()}, other)
    elif kind == "in a checkpoint":
        torch.save({"state_dict": state, "epoch": 90}, other)
    else:
        unused = "fc." if kind == "without classes" else "num_batches_tracked"
        torch.save({name: value for name, value in state.items() if unused not in name}, other)
    ours, theirs = load_resnet18(other).state_dict(), load_resnet18(file).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("layer3.0.downsample.0.weight"), "missing layer3.0.downsample.0.weight"),
        (lambda state: state.pop("bn1.running_var"), "missing bn1.running_var"),
        (lambda state: state.update({"layer5.0.conv1.weight": torch.ones(1)}), "unexpected layer5.0.conv1.weight"),
        (lambda state: state.update({"conv1.weight": torch.ones(64, 1, 7, 7)}), "misshapen: conv1.weight is .*64, 1"),
        (lambda state: state["conv1.weight"].fill_(float("nan")), "'conv1.weight' is NaN in 9408 of its 9408 values"),
    ],
)
def test_a_file_of_another_network_is_refused_by_key(change, words, state, tmp_path):
    changed = {name: value.clone() for name, value in state.items()}
    change(changed)
    torch.save(changed, tmp_path / "changed.pth")
    with pytest.raises(VaehubError, match=words):
        load_resnet18(tmp_path / "changed.pth")


def test_weights_have_to_be_named_and_there(tmp_path):
    with pytest.raises(VaehubError, match=r"'resnet18' needs a file of weights: .*'-s metric.weights=FILE'"):
        by()
    with pytest.raises(VaehubError, match=r"there is no file '.*none.pth', which 'weights' names; 'resnet18' needs"):
        by(weights=tmp_path / "none.pth")


def test_a_measurement_is_known_by_the_checksum_of_the_weights(file):
    params, _ = by(weights=file)
    assert params.identity()["content"] == checksum(file, "sha256")
    assert "weights" not in params.identity()


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_resized_repeated_and_normalised_as_in_appendix_b(channels, file):
    x = torch.rand(3, channels, 28, 28, generator=generator(0, "images"))
    _, extract = by(weights=file)
    found = extract(Dataset(x).batch(slice(0, 3)))
    assert found.shape == (3, 512)
    with torch.no_grad():
        torch.testing.assert_close(found, load_resnet18(file)(as_imagenet(x)), rtol=1e-5, atol=1e-5)
    assert as_imagenet(x).shape == (3, 3, 224, 224)


def test_what_is_no_image_is_refused(file):
    _, extract = by(weights=file)
    with pytest.raises(DataError, match=r"features 'resnet18' need grey or colour images, .* shape \(5,\)"):
        extract(Dataset(torch.rand(2, 5)).batch(slice(0, 2)))


def test_the_diversity_of_embeddings_is_that_of_its_features(hub, file):
    settings = {"features": "resnet18", "weights": file, "n_samples": 12, "n_bootstrap": 0}
    found = hub.measure("embedding_diversity", "digits", settings=settings)
    table = found.result.tables["features"]
    assert table.keys["features"] == ("resnet18",)
    assert table.columns["n_features"].tolist() == [512]
    _, extract = by(weights=file)
    seen = EmbeddingDiversity(EmbeddingDiversityParams(n_samples=12)).draw_observations(hub.data("digits"))
    expected = embedding_diversity(extract(seen.data.batch(slice(0, 12))))
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-3)
    assert found["diversity"] > 1e-4
