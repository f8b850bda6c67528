"""The diversity of a dataset as a metric."""

import numpy as np
import pytest

from vaehub import Hub, VaehubError
from vaehub.plugins.diversity.kernels import ssim_diversity


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store", device="cpu")


def test_it_is_asked_of_a_dataset_without_training(hub):
    found = hub.measure("ssim_diversity", "digits", settings={"n_samples": 60})
    assert 0 < found["diversity_low"] < found["diversity"] < found["diversity_high"] < 2
    assert found["n_pairs"] == 60 * 59 / 2
    assert not hub.recent()[0]


def test_all_means_every_pair(hub):
    found = hub.measure("ssim_diversity", "digits", settings={"n_samples": "all", "n_bootstrap": 0})
    assert found["n_images"] == 1797
    assert "diversity_low" not in found.result.scalars


def test_it_is_that_of_the_images_drawn(hub):
    settings = {"n_samples": "all", "n_bootstrap": 0, "variant": "global"}
    x = hub.data("digits").x[:, 0]
    expected = ssim_diversity(x, "global")
    found = hub.measure("ssim_diversity", "digits", settings=settings)
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-9)


def test_with_and_without_an_interval_the_mean_is_the_same(hub):
    values = [
        hub.measure("ssim_diversity", "digits", settings={"n_samples": 50, "n_bootstrap": n})["diversity"]
        for n in (0, 20)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize(
    ("dataset", "settings", "words"),
    [
        ("digits", {"n_samples": 5000}, "asked for 5000 images, and there are 1797; set '-s metric.n_samples=1797'"),
        ("sprites_colour", {"n_samples": 10}, "is for grey images, and these have shape"),
        ("digits", {"n_samples": 1}, "n_samples"),
    ],
)
def test_what_it_cannot_be_asked_of_is_said(hub, dataset, settings, words):
    with pytest.raises(VaehubError, match=words):
        hub.measure("ssim_diversity", dataset, settings=settings)


# Figures recomputed on 200 real digits of 1 and 10 classes by independent code: 0.661 and 0.795.
@pytest.mark.parametrize(("n_classes", "published", "spread"), [(1, 0.662, 0.04), (10, 0.796, 0.01)])
def test_published_figures_of_mnist_hold(hub, real_data, n_classes, published, spread):
    found = [
        hub.measure("ssim_diversity", hub_data, settings={"n_bootstrap": 0})["diversity"]
        for hub_data in _subsets(hub, n_classes)
    ]
    assert np.mean(found) == pytest.approx(published, abs=3 * spread / np.sqrt(len(found)) + 0.005)


def _subsets(hub, n_classes):
    from vaehub.hub import requests

    settings = {"n_classes": n_classes, "per_class": 500}
    return [requests.dataset_of(hub.catalog, "mnist", {**settings, "seed": seed}) for seed in (2810, 2811, 2812)]
