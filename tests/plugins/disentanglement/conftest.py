"""Codes and factors that published code has scored."""

import numpy as np
import pytest


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "disentanglement.npz")


@pytest.fixture
def train(oracle):
    return oracle["codes_train"], oracle["factors_train"]


@pytest.fixture
def both(oracle, train):
    return (*train, oracle["codes_test"], oracle["factors_test"])
