"""The diversity of a dataset as a metric."""

import numpy as np
import pytest
import torch

from vaehub import DataError, Dataset, VaehubError, generator
from vaehub.hub.refusals import refuse
from vaehub.plugins.diversity.kernels import ssim_diversity, ssim_matrix
from vaehub.plugins.diversity.params import SsimDiversityParams
from vaehub.plugins.diversity.ssim import SsimDiversity


def test_it_is_asked_of_a_dataset_without_training(hub):
    found = hub.measure("ssim_diversity", "digits", settings={"n_samples": 60})
    assert 0 < found["diversity_low"] < found["diversity"] < found["diversity_high"] < 2
    assert found["n_pairs"] == 60 * 59 / 2
    assert not hub.recent()[0]


def test_all_means_every_pair(hub):
    found = hub.measure("ssim_diversity", "digits", settings={"n_samples": "all", "n_bootstrap": 20})
    assert found["n_pairs"] == 1797 * 1796 / 2
    assert found["diversity_low"] < found["diversity"] < found["diversity_high"]


def test_without_resampling_there_is_no_interval(hub):
    found = hub.measure("ssim_diversity", "digits", settings={"n_samples": 20, "n_bootstrap": 0})
    assert "diversity_low" not in found.result.scalars


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_images_of_one_grey_have_no_diversity(grey):
    params = SsimDiversityParams(n_samples="all")
    found = SsimDiversity(params).measure(Dataset(torch.full((10, 1, 8, 8), grey))).scalars
    for name in ("diversity", "diversity_variance", "diversity_low", "diversity_high"):
        assert found[name] == pytest.approx(0, abs=1e-12)


def test_it_is_that_of_the_images_drawn(hub):
    settings = {"n_samples": "all", "n_bootstrap": 0, "variant": "global"}
    x = hub.data("digits").x[:, 0]
    expected = ssim_diversity(x, "global")
    found = hub.measure("ssim_diversity", "digits", settings=settings)
    assert (found["diversity"], found["diversity_variance"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("variant", ["windowed", "gaussian", "global"])
def test_of_colours_it_is_that_of_similarities_averaged_over_channels(variant):
    x = torch.rand(9, 3, 12, 13, generator=generator(0, "colours"))
    similarity = torch.stack([ssim_matrix(channel, variant) for channel in x.unbind(1)]).mean(dim=0)
    distances = 1 - similarity[torch.ones_like(similarity, dtype=torch.bool).triu(1)]
    found = SsimDiversity(SsimDiversityParams(n_samples="all", variant=variant)).measure(Dataset(x)).scalars
    assert found["diversity"] == pytest.approx(float(distances.mean()), rel=1e-6)
    assert found["diversity_variance"] == pytest.approx(float(distances.var(correction=0)), rel=1e-6)
    assert found["diversity_low"] < found["diversity"] < found["diversity_high"]


def test_grey_in_three_channels_is_as_diverse_as_in_one():
    grey = Dataset(torch.rand(9, 1, 12, 12, generator=generator(0, "grey")))
    coloured = Dataset(grey.x.expand(-1, 3, -1, -1).contiguous())
    found = [SsimDiversity(SsimDiversityParams(n_samples="all")).measure(each).scalars for each in (grey, coloured)]
    assert found[1] == pytest.approx(found[0], rel=1e-12)


def test_with_and_without_an_interval_the_mean_is_the_same(hub):
    values = [
        hub.measure("ssim_diversity", "digits", settings={"n_samples": 50, "n_bootstrap": n})["diversity"]
        for n in (0, 20)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize(
    ("shape", "settings", "words"),
    [
        ((1, 1, 8, 8), {}, "needs at least 2 observations, and got 1: the split 'train' has 1"),
        (
            (9, 1, 8, 8),
            {"n_samples": 1},
            "needs at least 2 observations, and got 1: .* n_samples is 1; raise",
        ),
        ((9, 12), {}, "needs images, and these observations have shape .*'embedding_diversity' takes any"),
        ((9, 1, 6, 8), {}, "needs images of at least 7x7, and .* 6, 8.*; '-s metric.variant=global' has no windows"),
        ((9, 1, 10, 8), {"variant": "gaussian"}, "needs images of at least 11x11"),
    ],
)
def test_what_it_cannot_be_asked_of_is_said(shape, settings, words):
    with pytest.raises(DataError, match=words):
        refuse(SsimDiversity(SsimDiversityParams(**settings)), Dataset(torch.zeros(shape)))


def test_a_split_that_is_not_there_is_said():
    data = Dataset(torch.zeros(9, 1, 8, 8), splits={"train": range(9)})
    with pytest.raises(DataError, match="metric 'ssim_diversity' was asked for the split 'test': there is no split"):
        refuse(SsimDiversity(SsimDiversityParams(split="test")), data)


def test_it_is_said_before_anything_is_measured(hub):
    with pytest.raises(VaehubError, match="needs at least 2 observations, and got 1"):
        hub.measure("ssim_diversity", "digits", settings={"n_samples": 1})
    assert not any(hub.recent())


# Options


@pytest.fixture(scope="module")
def images():
    x = torch.rand(60, 1, 12, 12, generator=generator(0, "images"))
    return Dataset(x, splits={"train": range(40), "test": range(40, 60)})


def measured(data, seed=0, **settings):
    metric = SsimDiversity(SsimDiversityParams(**settings), seed)
    refuse(metric, data)
    return metric.measure(data).scalars


def test_the_split_is_the_one_asked_for(images):
    for split, rows in (("train", slice(40)), ("test", slice(40, 60)), ("all", slice(60))):
        found = measured(images, split=split, n_bootstrap=0)
        assert found["n_samples"] == len(images.x[rows])
        assert found["diversity"] == pytest.approx(ssim_diversity(images.x[rows, 0])[0], rel=1e-9)


def test_as_many_are_compared_as_are_asked_for_or_as_there_are(images):
    for n_samples, n in ((12, 12), (1000, 40), ("all", 40)):
        found = measured(images, n_samples=n_samples, n_bootstrap=0)
        assert (found["n_samples"], found["n_pairs"]) == (n, n * (n - 1) / 2)
    assert measured(images, n_samples=12)["diversity"] != measured(images, seed=1, n_samples=12)["diversity"]


def test_the_variant_is_the_one_asked_for(images):
    for variant in ("windowed", "gaussian", "global"):
        found = measured(images, variant=variant, n_bootstrap=0)
        assert found["diversity"] == pytest.approx(ssim_diversity(images.split("train").x[:, 0], variant)[0], rel=1e-9)


def test_a_higher_confidence_is_a_wider_interval_around_the_same_mean(images):
    narrow, wide = (measured(images, variant="global", confidence=share) for share in (0.5, 0.99))
    assert wide["diversity_low"] < narrow["diversity_low"] < narrow["diversity_high"] < wide["diversity_high"]
    assert narrow["diversity"] == wide["diversity"]


def test_the_interval_depends_on_the_number_of_resamplings(images):
    few, many = (measured(images, variant="global", n_bootstrap=n) for n in (20, 1000))
    assert few["diversity_low"] != many["diversity_low"]


# Values recomputed on 200 real digits of 1, 5 and 10 classes by independent code: 0.661, 0.783 and 0.795.
@pytest.mark.parametrize(
    ("n_classes", "published", "spread"),
    [
        pytest.param(1, 0.662, 0.04, marks=pytest.mark.slow),
        (5, 0.781, 0.02),
        pytest.param(10, 0.796, 0.01, marks=pytest.mark.slow),
    ],
)
def test_published_values_of_mnist_hold(hub, real_data, n_classes, published, spread):
    found = [
        hub.measure("ssim_diversity", hub_data, settings={"n_bootstrap": 0})["diversity"]
        for hub_data in _subsets(hub, n_classes)
    ]
    assert np.mean(found) == pytest.approx(published, abs=3 * spread / np.sqrt(len(found)) + 0.005)


def _subsets(hub, n_classes):
    from vaehub.hub import requests

    settings = {"n_classes": n_classes, "per_class": 500}
    return [requests.dataset_of(hub.catalog, "mnist", {**settings, "seed": seed}) for seed in (2810, 2811, 2812)]
