"""The embedded digits."""

import torch

from vaehub import ImageParams
from vaehub.plugins.datasets.digits.source import Digits


def test_digits_are_the_1797_images_with_their_labels():
    data = Digits(ImageParams()).load()
    assert data.spec.shape == (1, 8, 8)
    assert len(data) == 1797
    assert data.spec.n_classes == 10
    # The published count of each class in the UCI test set.
    assert torch.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_ink_is_a_sixteenth_each():
    x = Digits(ImageParams()).load().x
    assert float(x.max()) == 1
    assert torch.equal((x * 16).round() / 16, x)
