"""Structural similarity of all pairs, against scikit-image's figures and what must hold."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub import generator as stream
from vaehub.analysis import structural
from vaehub.plugins.diversity.kernels import draw, ssim_diversity, ssim_matrix, ssim_moments

ORACLE = np.load(Path(__file__).parents[2] / "oracles" / "ssim_diversity.npz")
CASES = {
    "win7": ("images28", {}),
    "gauss11": ("images28", {"variant": "gaussian"}),
    "global_ddof1": ("images27", {"variant": "global"}),
    "global_ddof0": ("images27", {"variant": "global", "ddof": 0}),
}
VARIANTS = ["windowed", "gaussian", "global"]
PRECISIONS = [torch.float64, torch.float32]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Of one similarity: rounding errors of sums of 49 products, divided by no less than c1 c2 allow."""


def images(n=9, side=14, seed=0):
    return torch.rand(n, side, side, generator=stream(seed, "images"), dtype=torch.float64)


def above_diagonal(matrix):
    return matrix[torch.ones_like(matrix, dtype=torch.bool).triu(1)]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("case", CASES)
def test_every_pair_agrees_with_scikit_image(case, dtype):
    name, options = CASES[case]
    found = ssim_matrix(ORACLE[name], **options, dtype=dtype)
    np.testing.assert_allclose(found, ORACLE[f"ssim_{case}"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("case", CASES)
def test_mean_and_variance_over_pairs_agree_with_scikit_image(case, dtype):
    name, options = CASES[case]
    expected = [float(ORACLE[f"{each}_{case}"]) for each in ("diversity", "var0")]
    assert ssim_diversity(ORACLE[name], **options, dtype=dtype) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("case", "variant"), [("win7", "windowed"), ("gauss11", "gaussian")])
def test_every_pair_of_colour_images_agrees_with_scikit_image(case, variant, dtype):
    x, expected = ORACLE["images_colour"] / 255, ORACLE[f"ssim_colour_{case}"]
    np.testing.assert_allclose(ssim_matrix(x, variant, dtype=dtype), expected, rtol=1e-6, atol=1e-6)
    # Channels differ in contrast, so that neither the first of them nor their mean would do.
    for grey in (x[:, 0], x.mean(axis=1)):
        assert np.abs(np.asarray(ssim_matrix(grey, variant)) - expected).max() > 0.01


@pytest.mark.parametrize("variant", VARIANTS)
def test_mean_and_variance_are_those_of_the_matrix(variant):
    distances = 1 - above_diagonal(ssim_matrix(images(), variant))
    expected = float(distances.mean()), float(distances.var(correction=0))
    assert ssim_diversity(images(), variant) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_many_images_in_float32_are_within_a_millionth_of_float64(variant):
    # Bright and nearly flat, where covariances are small differences: the hardest case.
    x = torch.cat([images(100), 0.95 + 0.05 * images(100, seed=1)])
    exact = ssim_matrix(x, variant, dtype=torch.float64)
    torch.testing.assert_close(ssim_matrix(x, variant), exact, rtol=0, atol=1e-6)
    expected = ssim_diversity(x, variant, dtype=torch.float64)
    assert ssim_diversity(x, variant) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("n", "values", "held"), [(36, 5_000, 2**28), (36, 2**19, 400_000), (36, 5_000, 1_000_000), (14, 300, 1)]
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_tiles_of_any_size_give_the_same(variant, n, values, held, monkeypatch):
    x, counts = images(n=n), draw(n, 5, stream(0))
    whole, expected = ssim_matrix(x, variant), ssim_moments(x, counts, variant)
    monkeypatch.setattr(structural, "VALUES_AT_ONCE", values)
    monkeypatch.setattr(structural, "HELD_BYTES", held)
    torch.testing.assert_close(ssim_matrix(x, variant), whole, rtol=1e-12, atol=1e-12)
    found = ssim_moments(x, counts, variant)
    assert found[:2] == pytest.approx(expected[:2], rel=1e-12)
    torch.testing.assert_close(found.resampled, expected.resampled, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_image_is_wholly_similar_to_itself_and_similarity_has_no_direction(variant, dtype):
    x = images()
    found = ssim_matrix(torch.cat([x, x]), variant, dtype=dtype)
    torch.testing.assert_close(found[:9, 9:].diagonal(), torch.ones(9, dtype=torch.float64), rtol=0, atol=1e-6)
    assert bool((found.diagonal() == 1).all())
    assert torch.equal(found, found.mT)


@pytest.mark.parametrize("variant", VARIANTS)
def test_flat_images_of_one_grey_are_the_same_and_of_two_are_not(variant):
    x = torch.full((3, 12, 12), 0.25, dtype=torch.float64)
    x[2] = 0.75
    found = ssim_matrix(x, variant)
    assert float(found[0, 1]) == pytest.approx(1, abs=1e-12)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert float(found[0, 2]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("x", [torch.zeros(5, 12, 12), torch.ones(5, 12, 12), images(n=1).expand(5, -1, -1)])
def test_one_image_again_and_again_has_no_diversity(x, variant, dtype):
    assert ssim_diversity(x, variant, dtype=dtype) == pytest.approx((0, 0), abs=TOLERANCE[dtype])


@given(st.permutations(range(9)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_images_does_not_matter(order):
    assert ssim_diversity(images()[order]) == pytest.approx(ssim_diversity(images()), rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("data_range", [3.5, 255.0])
def test_similarity_has_no_unit(variant, data_range):
    found = ssim_matrix(data_range * images(), variant, data_range=data_range)
    torch.testing.assert_close(found, ssim_matrix(images(), variant), rtol=1e-9, atol=1e-9)


def test_turning_all_images_changes_nothing():
    torch.testing.assert_close(ssim_matrix(images().rot90(1, (1, 2))), ssim_matrix(images()), rtol=1e-12, atol=1e-12)


def test_images_need_not_be_square():
    x = images(side=20)[:, :9]
    torch.testing.assert_close(ssim_matrix(x.mT, "global"), ssim_matrix(x, "global"), rtol=1e-12, atol=1e-12)


def test_opposite_images_are_less_than_unlike():
    x = images(n=1)
    assert float(ssim_matrix(torch.cat([x, 1 - x]), "global")[0, 1]) < -0.5


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (torch.rand(1, 9, 9), {}, "needs at least 2 images, got 1"),
        (torch.rand(9, 9), {}, r"images of shape \(n, h, w\), or \(n, c, h, w\) with colours, got shape \(9, 9\)"),
        (torch.rand(3, 5, 9), {}, "a window of 7x7 does not fit images of 5x9"),
        (torch.rand(3, 9, 9), {"variant": "gaussian"}, "a window of 11x11 does not fit"),
        (255 * torch.rand(3, 9, 9), {}, "do not have a data_range of 1; for images in"),
        (torch.rand(3, 9, 9), {"data_range": 255.0}, "do not have a data_range of 255"),
    ],
)
def test_what_has_no_diversity_is_refused(x, options, words):
    with pytest.raises(VaehubError, match=words):
        ssim_diversity(x, **options)
