"""Samples in a file beside data: they are what is compared, whatever the model would make."""

import numpy as np
import pytest
import torch

from vaehub import DataError, Dataset, VaehubError, generator
from vaehub.files import checksum
from vaehub.hub.extractors import Extractors
from vaehub.hub.refusals import refuse
from vaehub.plugins.generation.frechet_distance import FrechetDistance
from vaehub.plugins.generation.precision_recall import PrecisionRecall
from vaehub.registry.catalog import Catalog

QUICK = {"train.epochs": 1, "model.latent_dim": 2, "network.hidden": [8], "data.subset": 300}


@pytest.fixture
def digits(hub):
    """Return the recipe of a training, and the observations that samples are compared with."""
    recipe = hub.recipe("vae", dataset="digits", settings=QUICK)
    _, data = hub.model(recipe)
    return recipe, data.split("train").x.numpy()


@pytest.fixture
def saved(tmp_path):
    def save(array, name="made.npy"):
        np.save(tmp_path / name, array)
        return {"source": "file", "samples": str(tmp_path / name)}

    return save


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_dataset_beside_itself_has_no_distance_and_full_precision_and_recall(hub, digits, saved, as_bytes):
    recipe, x = digits
    # In another order, which no distribution has.
    x = x[::-1]
    named = saved(np.round(255 * x).astype(np.uint8) if as_bytes else x)
    found = hub.measure("frechet_distance", recipe, settings=named)
    # Digits have 17 levels, and bytes are next to them.
    assert found["frechet_distance"] == pytest.approx(0, abs=1e-4 if as_bytes else 1e-9)
    assert found["n_samples"] == len(x)
    both = hub.measure("precision_recall", recipe, settings={**named, "n_clusterings": 2})
    assert both["precision"] == pytest.approx(1, abs=0.02 if as_bytes else 1e-9)
    assert both["knn_recall"] == 1


def test_noise_is_far_from_the_data_and_as_many_of_both_are_compared(hub, digits, saved, rng):
    recipe, x = digits
    noise = saved(rng.random((120, *x.shape[1:])))
    found = hub.measure("frechet_distance", recipe, settings=noise)
    assert found["n_samples"] == 120
    other = saved(x[:120], "half.npy")
    assert hub.measure("frechet_distance", recipe, settings=other)["frechet_distance"] < 0.2 * found["frechet_distance"]
    cut = hub.measure("frechet_distance", recipe, settings={**noise, "n_samples": 70})
    assert cut["n_samples"] == 70


def test_a_file_is_known_by_what_it_holds_and_its_plot_needs_none(hub, digits, saved, tmp_path):
    recipe, x = digits
    found = hub.measure("precision_recall", recipe, settings={**saved(x), "n_clusterings": 2})
    params = FrechetDistance.Params(**saved(x))
    assert params.identity()["samples_content"] == checksum(tmp_path / "made.npy", "sha256")
    assert "samples" not in params.identity()
    moved = {"source": "file", "samples": str((tmp_path / "made.npy").rename(tmp_path / "moved.npy"))}
    assert hub.measure("precision_recall", recipe, settings={**moved, "n_clusterings": 2}).id == found.id
    (tmp_path / "moved.npy").unlink()
    assert hub.figure(found.id).axes


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (
            np.zeros((50, 8, 8)),
            r"of shape \(50, 8, 8\), and samples to compare with these data have shape \(n, 1, 8, 8\)",
        ),
        (np.zeros((1, 1, 8, 8)), "holds 1 samples, and at least 2 are needed"),
        (np.zeros((50, 1, 8, 8), np.int64), r"holds int64, and samples are bytes \(uint8\) or floating point"),
        (np.full((50, 1, 8, 8), 255.0), "holds values from 255 to 255, and the data's are from 0 to 1; scale them"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_training(hub, saved, array, words):
    with pytest.raises(DataError, match=words):
        hub.measure("frechet_distance", hub.recipe("vae", dataset="digits", settings=QUICK), settings=saved(array))
    assert not hub.store.exists


def test_a_file_that_is_cut_off_is_named(hub, saved, tmp_path):
    named = saved(np.zeros((50, 1, 8, 8)))
    whole = (tmp_path / "made.npy").read_bytes()
    (tmp_path / "made.npy").write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"made.npy should have 25600 bytes of values, and has 25591"):
        hub.measure("frechet_distance", hub.recipe("vae", dataset="digits", settings=QUICK), settings=named)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "file"}, "'source' is 'file' if, and only if, 'samples' names one; .* 'samples' None"),
        ({"source": "file", "samples": "nowhere.npy"}, "there is no file '.*nowhere.npy', which 'samples' names"),
        ({"source": "file", "samples": 3}, "'samples' is 3 and should be a path"),
    ],
)
def test_a_file_is_named_with_its_source(hub, settings, words):
    with pytest.raises(VaehubError, match=words):
        hub.measure("frechet_distance", hub.recipe("vae", dataset="digits", settings=QUICK), settings=settings)


def test_a_file_without_its_source_and_relevant_latents_of_a_file_are_refused(saved):
    named = saved(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="'source' is 'prior' and 'samples' '.*made.npy'"):
        FrechetDistance.Params(samples=named["samples"])
    with pytest.raises(ValueError, match="samples in a file are as they are"):
        FrechetDistance.Params(**named, latents="relevant")


def test_samples_that_are_not_the_ones_of_before_are_refused(saved):
    first = FrechetDistance.Params(**saved(np.zeros((3, 2))))
    with pytest.raises(ValueError, match="have sha256:.* and had sha256:.*; put that file back"):
        PrecisionRecall.Params(**saved(np.ones((3, 2))), samples_content=first.samples_content)


def test_vectors_may_have_any_values(hub, saved):
    x = torch.randn(60, 5, generator=generator(0, "x"))
    data = Dataset(x)
    model = hub.model(hub.recipe("vae", dataset="digits", settings=QUICK))[0]
    params = FrechetDistance.Params(**saved(3 * x.numpy()), split="all")
    metric = FrechetDistance(params, extractors=Extractors(Catalog(), None))
    refuse(metric, model, data)
    assert float(metric.measure(model, data).scalars["frechet_distance"]) > 1
