"""What is looked at, as metrics: what holds for all of them."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from qualitative_samples import DECODING, METRICS, QUICK, identity

from vaehub import Dataset, Hub, VaehubError, wrap
from vaehub.plugins.qualitative.interpolation import Interpolation
from vaehub.plugins.qualitative.latent_scatter import LatentScatter
from vaehub.plugins.qualitative.params import ReconstructionsParams
from vaehub.plugins.qualitative.prior_samples import PriorSamples
from vaehub.plugins.qualitative.reconstructions import Reconstructions
from vaehub.plugins.qualitative.traversal import Traversal

# All of them


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_seed_gives_the_same_bits(hub, recipe, metric):
    settings = {"n_samples": 200} if metric == "latent_scatter" else {}
    found = [hub.measure(metric, recipe, seed=seed, settings=settings, force=True) for seed in (0, 0, 1)]
    first, again, other = ({name: each[name] for name in each.result.arrays} for each in found)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("metric", DECODING)
def test_a_model_without_a_decoder_is_refused_before_training(tmp_path, metric):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match=f"metric '{metric}' needs a model with a decoder"):
        hub.run("classifier", metric, settings=QUICK)
    assert not hub.store.exists


def test_means_of_a_model_without_a_decoder_can_be_shown(hub):
    found = hub.run("classifier", "latent_scatter", settings={**QUICK, "train.epochs": 0})[0]
    assert hub.figure(found.id)


@pytest.mark.parametrize(
    ("metric", "settings", "n"),
    [
        ("reconstructions", {"n": 200}, 180),
        ("interpolation", {"n_pairs": 50}, 80),
        ("latent_scatter", {"n_samples": 5000}, 180),
        ("traversal", {"n_samples": 5000}, 180),
    ],
)
def test_more_observations_than_there_are_take_all(hub, metric, settings, n):
    recipe = hub.recipe("vae", settings={**QUICK, "data.first": 400} if metric == "interpolation" else QUICK)
    assert hub.measure(metric, recipe, settings={**settings, "split": "validation"})["n_samples"] == n


@pytest.mark.parametrize("metric", ["interpolation", "latent_scatter"])
def test_a_split_of_one_observation_is_refused(hub, metric):
    recipe = hub.recipe("vae", settings={**QUICK, "data.split": [0.9, 0.0005, 0], "train.epochs": 0})
    with pytest.raises(VaehubError, match="needs at least 2 observations, and got 1: the split 'validation' has 1"):
        hub.measure(metric, recipe, settings={"split": "validation", **({"n_pairs": 1} if metric[0] == "i" else {})})


def test_a_split_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="there is no split 'test'"):
        hub.measure("traversal", recipe, settings={"split": "test"})


@pytest.mark.parametrize("metric", METRICS)
def test_a_plot_comes_from_stored_values_alone(hub, recipe, metric, tmp_path):
    found = hub.measure(metric, recipe)
    reader = Hub.open(hub.store.path, device="cpu")
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for each, path in zip((hub, reader), paths, strict=True):
        each.figure(found.id).savefig(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("metric", METRICS)
def test_vectors_are_looked_at_as_well_as_images(hub, metric):
    settings = {"model.latent_dim": 2, "model.likelihood": "gaussian", "train.epochs": 1}
    found = hub.run("vae", metric, dataset="helix", settings=settings)[0]
    assert hub.figure(found.id)
    if metric in DECODING:
        assert found.result.arrays["reconstruction" if metric == "reconstructions" else "decoded"].shape[-1] == 3


def test_a_wrapped_model_is_looked_at_like_one_of_ours(hub):
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    decoder = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.Sigmoid())
    model = wrap(encoder=encoder, decoder=decoder, prior="standard_normal")
    for metric in METRICS:
        assert hub.figure(hub.measure(metric, model, data="digits").id)


def test_reconstructions_of_data_without_labels_are_drawn_from_all_rows():
    data = Dataset(np.arange(40.0).reshape(20, 2), splits={"train": range(20)})
    found = Reconstructions(ReconstructionsParams(n=20)).measure(identity(data), data)
    assert sorted(found.arrays["rows"].tolist()) == list(range(20))
    assert "labels" not in found.arrays
    assert found.scalars["mean_squared_error"] == 0


def test_manifest_and_parameters_load_neither_torch_nor_matplotlib():
    code = (
        "import sys, vaehub.plugins.qualitative, vaehub.plugins.qualitative.params;"
        "sys.exit(bool({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(scope="module")
def two_splits():
    """Return vectors whose splits lie apart: values up to 1, and values above 10."""
    x = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    x[30:] += 10
    return Dataset(x, splits={"train": range(30), "test": range(30, 50)})


@pytest.mark.parametrize(
    ("metric", "params", "array"),
    [
        (Reconstructions, {"n": 5}, "x"),
        (Reconstructions, {"n": 5, "choice": "first"}, "x"),
        (PriorSamples, {"density": "fitted"}, "z"),
        (Interpolation, {}, "x"),
        (LatentScatter, {"n_samples": 20}, "rows"),
        (Traversal, {"span": "means"}, "values"),
        (Traversal, {}, "x"),
    ],
)
def test_observations_are_those_of_the_split_that_is_asked_for(two_splits, metric, params, array):
    found = {
        split: metric(metric.Params(split=split, **params)).measure(identity(two_splits), two_splits)
        for split in ("train", "test")
    }
    if array == "rows":
        assert found["test"].arrays["rows"].tolist() == list(range(20))
        assert found["train"].arrays["rows"].max() > 19
    else:
        assert found["train"].arrays[array].mean() < 3 < 7 < found["test"].arrays[array].mean()


def test_steps_span_the_range_and_spacing_that_are_asked_for(two_splits):
    def steps(**params):
        metric = Traversal(Traversal.Params(order="index", n_steps=5, **params))
        return metric.measure(identity(two_splits), two_splits).arrays["values"][0]

    assert_allclose(steps(), [-2, -1, 0, 1, 2])
    assert_allclose(steps(span="higgins"), [-3, -1.5, 0, 1.5, 3])
    by_quantile = np.asarray(steps(spacing="quantile"))
    assert by_quantile[2] == pytest.approx(0, abs=1e-9)
    assert by_quantile[4] - by_quantile[3] > by_quantile[3] - by_quantile[2]
