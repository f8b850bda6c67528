"""Moments over pairs and the interval from resampling."""

import math

import pytest
import torch

from vaehub import generator as stream
from vaehub.analysis import SsimBlock
from vaehub.plugins.diversity.kernels import draw, embedding_moments, interval, ssim_matrix, ssim_moments
from vaehub.plugins.diversity.pairs import moments, n_pairs


def images(n=9, side=14, seed=0):
    return torch.rand(n, side, side, generator=stream(seed, "images"), dtype=torch.float64)


def one_by_one(distance, counts):
    """The mean over all ordered pairs of what each resampling drew, a copy of one observation apart."""
    means = []
    for row in counts:
        drawn = torch.arange(len(row)).repeat_interleave(row.long())
        apart = drawn[:, None] != drawn
        means.append(distance[drawn][:, drawn][apart].mean())
    return torch.stack(means)


@pytest.mark.parametrize("variant", ["windowed", "global"])
def test_resampled_means_are_those_of_the_images_drawn_again(variant):
    counts = draw(9, 20, stream(0))
    expected = one_by_one(1 - ssim_matrix(images(), variant), counts)
    torch.testing.assert_close(ssim_moments(images(), counts, variant).resampled, expected, rtol=1e-6, atol=0)


def test_resampled_means_of_embeddings_are_those_of_the_rows_drawn_again():
    rows, counts = torch.randn(11, 4, generator=stream(0), dtype=torch.float64), draw(11, 20, stream(1))
    distance = 1 - torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=2)
    found = embedding_moments(rows, counts).resampled
    torch.testing.assert_close(found, one_by_one(distance, counts), rtol=1e-9, atol=1e-12)


def test_every_resampling_draws_as_many_as_there_are_and_each_as_often():
    counts = draw(50, 2000, stream(0)).double()
    assert bool((counts.sum(dim=1) == 50).all())
    # Standard error of a mean over 2,000 resamplings of counts with variance 0.98.
    assert float((counts.mean(dim=0) - 1).abs().max()) < 5 * (0.98 / 2000) ** 0.5


def test_the_interval_holds_the_mean_and_narrows_with_more_images():
    widths = []
    for n in (10, 80):
        found = ssim_moments(images(n=n), draw(n, 500, stream(0)), "global")
        low, high = interval(found.resampled, 0.95)
        assert low < found.mean < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_the_interval_covers_as_often_as_it_says():
    """Distances |a - b| of uniform numbers have mean 1/3."""
    covered = 0
    for seed in range(200):
        a = torch.rand(40, generator=stream(seed, "a"), dtype=torch.float64)
        whole = SsimBlock(slice(0, 40), slice(0, 40), 1 - (a[:, None] - a).abs())
        low, high = interval(moments([whole], draw(40, 300, stream(seed, "b"))).resampled, 0.9)
        covered += low <= 1 / 3 <= high
    # Standard error 0.02; percentiles of a small sample cover somewhat less than they say.
    assert 0.82 <= covered / 200 <= 0.96


def test_a_resampling_without_a_pair_does_not_count():
    counts = torch.tensor([[2, 0], [1, 1]], dtype=torch.uint8)
    assert n_pairs(counts).tolist() == [0, 2]
    found = ssim_moments(images(n=2), counts)
    assert found.resampled[0].isnan()
    assert interval(found.resampled, 0.9) == pytest.approx((found.mean, found.mean), rel=1e-6)
    assert all(map(math.isnan, interval(found.resampled[:1], 0.9)))


def test_the_same_seed_gives_the_same_resamplings():
    assert torch.equal(draw(30, 50, stream(3)), draw(30, 50, stream(3)))
