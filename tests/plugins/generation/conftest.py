"""Data, trainings and a user's module, for the tests of this folder."""

import sys

import pytest
import torch
from generation_samples import MODULE

from vaehub import (
    Dataset,
    Hub,
    generator,
)


@pytest.fixture
def data():
    return Dataset(torch.randn(400, 3, generator=generator(0, "x"))).with_validation(0.25, generator(0, "split"))


@pytest.fixture(scope="module")
def trained_hub(tmp_path_factory):
    """A store for all tests of a module: what is trained once serves them all."""
    return Hub.open(tmp_path_factory.mktemp("generation") / "store", device="cpu")


@pytest.fixture
def own_module(tmp_path):
    """A user's module in the working folder, and a file of its weights."""
    (tmp_path / "own_generation_code.py").write_text(MODULE)
    torch.save({"scale": torch.tensor([1.0, 2.0, 3.0])}, tmp_path / "scale.pt")
    yield {"features": "module", "module": "own_generation_code:Scaled", "weights": tmp_path / "scale.pt"}
    sys.modules.pop("own_generation_code", None)
