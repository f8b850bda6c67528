"""Searches that are over in a second: digits, a small network, few epochs."""

import pytest

from vaehub import Hub

SMALL = {"network.hidden": [32], "train.epochs": 3, "train.learning_rate": 5e-3, "train.batch_size": 128}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return a hub that tests of one module share, so that each number of latents is trained once."""
    return Hub.open(tmp_path_factory.mktemp("shared") / "store", device="cpu")


@pytest.fixture
def recipe(hub):
    return hub.recipe("beta_vae", settings={**SMALL, "model.beta": 0.3})


@pytest.fixture
def trained(hub):
    """Return how many trainings are recorded as done."""
    return lambda: next(iter(hub.sql("select count(*) from trainings where status = 'done'")))[0]
