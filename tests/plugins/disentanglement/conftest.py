"""Codes and factors that published code has scored, and models of known latents."""

import numpy as np
import pytest
import torch
from disentanglement_samples import NAMES, SIZES, model_of

from vaehub import Dataset, Factors, Hub, generator


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "disentanglement.npz")


@pytest.fixture
def train(oracle):
    return oracle["codes_train"], oracle["factors_train"]


@pytest.fixture
def both(oracle, train):
    return (*train, oracle["codes_test"], oracle["factors_test"])


@pytest.fixture(scope="module")
def data():
    """Observations whose values are their factors, and one that is constant."""
    random = generator(0, "data")
    classes = torch.stack([torch.randint(size, (1200,), generator=random) for size in SIZES], dim=1)
    x = classes + 0.01 * torch.randn(classes.shape, generator=random)
    return Dataset(x, factors=Factors(NAMES, SIZES, classes)).with_validation(0.25, generator(0, "split"))


@pytest.fixture(scope="module")
def ideal(data):
    return model_of(lambda x: x[:, :3], data)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("disentanglement") / "store", device="cpu")
