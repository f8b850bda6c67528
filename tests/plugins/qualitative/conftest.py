"""What the tests of plots share."""

import pytest
from qualitative_samples import QUICK

from vaehub import Hub


@pytest.fixture(scope="package")
def hub(tmp_path_factory):
    """A store that all tests here use: what is trained once serves them all."""
    return Hub.open(tmp_path_factory.mktemp("qualitative"), device="cpu")


@pytest.fixture
def recipe(hub):
    return hub.recipe("vae", settings=QUICK)


@pytest.fixture
def model_and_part(hub, recipe):
    model, data = hub.model(recipe)
    return model, data.split("train")
