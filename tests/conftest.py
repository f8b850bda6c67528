"""What all tests share."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in a folder of its own, so that none leaves a store behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEHUB_STORE", raising=False)
    monkeypatch.delenv("VAEHUB_PLUGINS", raising=False)
