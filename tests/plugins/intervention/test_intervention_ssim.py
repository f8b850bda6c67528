"""Structural similarity of reconstructions with observations, and among images."""

import numpy as np
import pytest
import torch

from vaehub import VaehubError
from vaehub.plugins.intervention import ssim
from vaehub.plugins.intervention.ssim import mean_dissimilarity, structural_error


def of_two(a, b):
    """Return the index of two grey images, window by window: Wang et al. 2004, Eq. 13."""
    c1, c2, found = 0.01**2, 0.03**2, []
    for top in range(a.shape[0] - 6):
        for left in range(a.shape[1] - 6):
            p, q = (each[top : top + 7, left : left + 7].ravel() for each in (a, b))
            (var_p, cov), (_, var_q) = np.cov(p, q)
            luminance = (2 * p.mean() * q.mean() + c1) / (p.mean() ** 2 + q.mean() ** 2 + c1)
            found.append(luminance * (2 * cov + c2) / (var_p + var_q + c2))
    return np.mean(found)


def test_the_error_is_that_of_a_loop_over_windows_averaged_over_colours(rng):
    x, y = rng.random((3, 2, 9, 11)), rng.random((3, 4, 2, 9, 11))
    found = structural_error(torch.tensor(y), torch.tensor(x))
    expected = [[1 - np.mean([of_two(y[i, k, c], x[i, c]) for c in range(2)]) for k in range(4)] for i in range(3)]
    assert found.numpy() == pytest.approx(np.array(expected), rel=1e-10)


def test_the_error_and_the_diversity_are_those_of_scikit_image(oracles):
    stored = np.load(oracles / "ssim_diversity.npz")
    images = torch.tensor(stored["images28"])[:, None]
    n = len(images)
    errors = structural_error(images.expand(n, n, 1, 28, 28), images)
    assert errors.numpy() == pytest.approx(1 - stored["ssim_win7"], abs=1e-6)
    assert mean_dissimilarity(images) == pytest.approx(float(stored["diversity_win7"]), abs=1e-6)


def test_a_copy_has_no_error_even_if_it_is_flat():
    x = torch.stack([torch.zeros(1, 8, 8), torch.full((1, 8, 8), 0.3), torch.eye(8)[None]])
    assert structural_error(x[:, None], x).abs().max() < 1e-12


def test_diversity_is_the_mean_error_over_pairs_of_different_images(rng):
    images = torch.tensor(rng.random((6, 3, 8, 9)))
    errors = structural_error(images.expand(6, *images.shape), images)
    assert mean_dissimilarity(images) == pytest.approx(float(errors.sum() / 30))


def test_diversity_of_copies_is_none():
    assert mean_dissimilarity(torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(0)).expand(5, 1, 7, 7)) < (
        1e-12
    )


def test_pieces_of_any_size_give_the_same(rng, monkeypatch):
    images = torch.tensor(rng.random((5, 1, 12, 12)))
    whole = mean_dissimilarity(images)
    monkeypatch.setattr(ssim, "PAIRS_AT_ONCE", 60)
    assert mean_dissimilarity(images) == pytest.approx(whole, rel=1e-12)


def test_one_image_has_no_diversity():
    with pytest.raises(VaehubError, match="needs 2 images at least, got 1"):
        mean_dissimilarity(torch.zeros(1, 1, 8, 8))
