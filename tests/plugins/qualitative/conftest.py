"""What the tests of pictures share."""

import pytest

from vaehub import Hub


@pytest.fixture(scope="package")
def hub(tmp_path_factory):
    """A store that all tests here use: what is trained once serves them all."""
    return Hub.open(tmp_path_factory.mktemp("qualitative"), device="cpu")
