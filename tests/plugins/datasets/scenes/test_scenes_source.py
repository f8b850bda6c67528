"""Rooms as a dataset: the right picture in each row."""

import torch

from vaehub import ImageParams
from vaehub.plugins.datasets.scenes.cards import SCENES
from vaehub.plugins.datasets.scenes.kernels import NAMES, SIZES, VALUES, render
from vaehub.plugins.datasets.scenes.source import Scenes


def test_rows_are_the_grid_of_3d_shapes():
    data = Scenes(ImageParams()).load()
    assert len(data) == 480_000
    assert data.spec.shape == (3, 64, 64)
    assert data.factors.is_grid
    assert data.factors.values == tuple(tuple(VALUES[name].tolist()) for name in NAMES)


def test_the_card_says_what_the_factors_are():
    assert SCENES.factors == tuple(zip(NAMES, SIZES, strict=True))


def test_factors_belong_to_their_images():
    data = Scenes(ImageParams()).load()
    classes = torch.tensor([[9, 0, 3, 7, 1, 14], [0, 9, 5, 0, 3, 0], [4, 2, 8, 0, 3, 0]])
    rows = data.factors.lookup(classes)
    batch = data.batch(rows)
    assert torch.equal(batch.factors, classes)
    assert torch.equal(batch.x.mul(255).round().to(torch.uint8), torch.from_numpy(render(classes.numpy())))


def test_parameters_of_images_are_carried_out():
    data = Scenes(ImageParams(size=32, channels=1, subset=10)).load()
    assert len(data) == 10
    assert tuple(data.batch(torch.tensor([4])).x.shape) == (1, 1, 32, 32)
    # The rows that are left kept their factors.
    assert data.factors.classes.shape == (10, 6)
