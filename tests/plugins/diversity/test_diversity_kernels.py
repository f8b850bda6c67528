"""Structural similarity of all pairs, against scikit-image's figures and what must hold."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub import generator as stream
from vaehub.plugins.diversity import kernels
from vaehub.plugins.diversity.kernels import bootstrap_interval, diversity_of, ssim_diversity, ssim_matrix

ORACLE = np.load(Path(__file__).parents[2] / "oracles" / "ssim_diversity.npz")
CASES = {
    "win7": ("images28", {}),
    "gauss11": ("images28", {"variant": "gaussian"}),
    "global_ddof1": ("images27", {"variant": "global"}),
    "global_ddof0": ("images27", {"variant": "global", "ddof": 0}),
}
VARIANTS = ["windowed", "gaussian", "global"]


def images(n=9, side=14, seed=0):
    return torch.rand(n, side, side, generator=stream(seed, "images"), dtype=torch.float64)


@pytest.mark.parametrize("case", CASES)
def test_every_pair_agrees_with_scikit_image(case):
    name, options = CASES[case]
    np.testing.assert_allclose(ssim_matrix(ORACLE[name], **options), ORACLE[f"ssim_{case}"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_mean_and_variance_over_pairs_agree_with_scikit_image(case):
    name, options = CASES[case]
    for found in (ssim_diversity(ORACLE[name], **options), diversity_of(ssim_matrix(ORACLE[name], **options))):
        assert found == pytest.approx([float(ORACLE[f"{each}_{case}"]) for each in ("diversity", "var0")], rel=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_tiles_of_any_size_give_the_same(variant, monkeypatch):
    x = images(n=11)
    whole, expected = ssim_matrix(x, variant), ssim_diversity(x, variant)
    monkeypatch.setattr(kernels, "IMAGES_AT_ONCE", 4)
    monkeypatch.setattr(kernels, "VALUES_AT_ONCE", 50)
    torch.testing.assert_close(ssim_matrix(x, variant), whole, rtol=1e-12, atol=1e-12)
    assert ssim_diversity(x, variant) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_image_is_wholly_similar_to_itself_and_similarity_has_no_direction(variant):
    found = ssim_matrix(images(), variant)
    torch.testing.assert_close(found.diagonal(), torch.ones(9, dtype=torch.float64))
    assert torch.equal(found, found.mT)


@pytest.mark.parametrize("variant", VARIANTS)
def test_flat_images_of_one_grey_are_the_same_and_of_two_are_not(variant):
    x = torch.full((3, 12, 12), 0.25, dtype=torch.float64)
    x[2] = 0.75
    found = ssim_matrix(x, variant)
    assert float(found[0, 1]) == pytest.approx(1, abs=1e-12)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert float(found[0, 2]) == pytest.approx(expected, rel=1e-9)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_images_does_not_matter(random):
    x = images()
    order = list(range(len(x)))
    random.shuffle(order)
    assert ssim_diversity(x[order]) == pytest.approx(ssim_diversity(x), rel=1e-12)


def test_identical_images_have_no_diversity():
    x = images(n=1).expand(5, -1, -1)
    assert ssim_diversity(x) == pytest.approx((0, 0), abs=1e-12)


def test_opposite_images_are_less_than_unlike():
    x = images(n=1)
    assert float(ssim_matrix(torch.cat([x, 1 - x]), "global")[0, 1]) < -0.5


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (torch.rand(1, 9, 9), {}, "needs 2 images at least, got 1"),
        (torch.rand(3, 1, 9, 9), {}, r"grey images of shape \(n, h, w\), got shape \(3, 1, 9, 9\)"),
        (torch.rand(3, 5, 9), {}, "a window of 7x7 does not fit images of 5x9"),
        (torch.rand(3, 9, 9), {"variant": "gaussian"}, "a window of 11x11 does not fit"),
        (255 * torch.rand(3, 9, 9), {}, "do not have a data_range of 1; for images in"),
        (torch.rand(3, 9, 9), {"data_range": 255.0}, "do not have a data_range of 255"),
    ],
)
def test_what_has_no_diversity_is_refused(x, options, words):
    with pytest.raises(VaehubError, match=words):
        ssim_diversity(x, **options)


# The interval


def test_the_interval_holds_the_mean_and_narrows_with_more_images():
    widths = []
    for n in (10, 80):
        matrix = ssim_matrix(images(n=n), "global")
        low, high = bootstrap_interval(matrix, 500, 0.95, stream(0))
        assert low < diversity_of(matrix)[0] < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_the_interval_covers_as_often_as_it_says():
    """Distances |a - b| of uniform numbers have mean 1/3."""
    covered = 0
    for seed in range(200):
        a = torch.rand(40, generator=stream(seed, "a"), dtype=torch.float64)
        low, high = bootstrap_interval(1 - (a[:, None] - a).abs(), 300, 0.9, stream(seed, "b"))
        covered += low <= 1 / 3 <= high
    # Standard error 0.02; percentiles of a small sample cover somewhat less than they say.
    assert 0.82 <= covered / 200 <= 0.96


def test_the_same_seed_gives_the_same_interval():
    matrix = ssim_matrix(images())
    assert bootstrap_interval(matrix, 50, 0.9, stream(3)) == bootstrap_interval(matrix, 50, 0.9, stream(3))
