"""Structural similarity of reconstructions with observations, and among images."""

import numpy as np
import pytest
import torch

from vaehub import VaehubError
from vaehub.plugins.intervention.ssim import mean_dissimilarity, structural_error


def test_the_error_and_the_diversity_are_those_of_scikit_image(oracles):
    stored = np.load(oracles / "ssim_diversity.npz")
    images = torch.tensor(stored["images28"])[:, None]
    n = len(images)
    errors = structural_error(images.expand(n, n, 1, 28, 28), images)
    assert errors.numpy() == pytest.approx(1 - stored["ssim_win7"], abs=1e-6)
    assert mean_dissimilarity(images) == pytest.approx(float(stored["diversity_win7"]), abs=1e-6)


def test_diversity_is_the_mean_error_over_pairs_of_different_images(rng):
    images = torch.tensor(rng.random((6, 3, 8, 9)))
    errors = structural_error(images.expand(6, *images.shape), images)
    assert mean_dissimilarity(images) == pytest.approx(float(errors.sum() / 30))


def test_diversity_of_copies_is_none():
    assert mean_dissimilarity(torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(0)).expand(5, 1, 7, 7)) < (
        1e-12
    )


def test_one_image_has_no_diversity():
    with pytest.raises(VaehubError, match="needs at least 2 images, got 1"):
        mean_dissimilarity(torch.zeros(1, 1, 8, 8))
