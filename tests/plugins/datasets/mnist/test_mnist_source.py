"""MNIST and FashionMNIST from their real files."""

from pathlib import Path

import pytest
import torch

from vaehub.plugins.datasets.mnist.params import IdxParams
from vaehub.plugins.datasets.mnist.source import FashionMnist, Mnist

FASHION = Path("/usr/share/datasets/fashion-mnist")


def test_mnist_has_the_published_statistics(real_data):
    data = Mnist(IdxParams(root=real_data)).load()
    assert (len(data.splits["train"]), len(data.splits["test"])) == (60_000, 10_000)
    train = data.split("train").x
    # Scaled to [0, 1]: mean 0.1307 and standard deviation 0.3081, the constants of countless examples.
    assert float(train.mean()) == pytest.approx(0.13066, abs=1e-5)
    assert float(train.std()) == pytest.approx(0.30811, abs=1e-5)


def test_mnist_labels_belong_to_their_images(real_data):
    data = Mnist(IdxParams(root=real_data)).load()
    assert data.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = torch.bincount(data.split("train").labels).tolist()
    assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert torch.bincount(data.split("test").labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_padding_adds_zeros_around(real_data):
    plain = Mnist(IdxParams(root=real_data, subset=5)).load()
    padded = Mnist(IdxParams(root=real_data, subset=5, pad=2)).load()
    assert padded.spec.shape == (1, 32, 32)
    assert torch.equal(padded.stored[:, :, 2:-2, 2:-2], plain.stored)
    assert int(padded.stored.sum()) == int(plain.stored.sum())


def test_a_subset_is_of_the_training_part_and_decided_by_its_own_seed(real_data):
    first, same, other = (
        Mnist(IdxParams(root=real_data, subset=100, seed=seed)).load().split("train").stored for seed in (0, 0, 1)
    )
    assert len(first) == 100
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist_is_found_in_its_debian_package():
    data = FashionMnist(IdxParams()).load()
    assert len(data) == 70_000
    assert torch.bincount(data.split("train").labels).tolist() == [6000] * 10
    assert torch.bincount(data.split("test").labels).tolist() == [1000] * 10
    assert float(data.split("train").x.mean()) == pytest.approx(0.2860, abs=1e-4)
    assert float(data.split("train").x.std()) == pytest.approx(0.3530, abs=1e-4)
