"""What all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

if TYPE_CHECKING:
    from vaehub import Hub

# What tests compute is small: a second thread waits for the first, and longer where other processes want its core.
# Set before torch is imported, and for the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Every record of a store is flushed to the disk, which is half of the time of many tests and nothing in memory.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among modules, which are none: it took a seventh of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in a folder of its own, so that none leaves a store behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEHUB_STORE", raising=False)
    monkeypatch.delenv("VAEHUB_PLUGINS", raising=False)
    monkeypatch.delenv("VAEHUB_TRACKERS", raising=False)


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store that holds nothing yet."""
    from vaehub.store.database import Database

    path = tmp_path_factory.mktemp("empty") / "results.duckdb"
    with Database(path, timeout=60).held():
        return path


@pytest.fixture(autouse=True)
def _begin_with_a_copy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _empty_database: Path) -> None:
    """Let new databases be copies of one, since the statements of all migrations were a fifth of the stores' tests.

    Tests of how databases are made ask for ``made_by_migrations``, and commands are other processes.
    """
    if "made_by_migrations" in request.fixturenames:
        return
    from vaehub.store.database import Database

    def copied(self: Database) -> None:
        shutil.copyfile(_empty_database, self.path)

    monkeypatch.setattr(Database, "_make", copied)


@pytest.fixture
def made_by_migrations() -> None:
    """Let new databases be made as outside of tests."""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with the built-in plugins and a store of the test's own."""
    from vaehub import Hub

    return Hub.open(tmp_path / "store", device="cpu")


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each opening of a database from now on is for."""
    from vaehub.store.database import Database

    found, opened = [], Database._opened

    def counted(self, use):
        found.append(use)
        return opened(self, use)

    monkeypatch.setattr(Database, "_opened", counted)
    return found


@pytest.fixture
def oracles() -> Path:
    """Folder of inputs with outputs that independent code computed."""
    return Path(__file__).parent / "oracles"


@pytest.fixture
def real_data() -> Path:
    """Folder of real files, such as ``mnist/train-images-idx3-ubyte.gz``."""
    folder = os.environ.get("VAEHUB_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VAEHUB_DATA names no folder of real files")
    return Path(folder)


@pytest.fixture
def alone():
    """Keep out the other processes of this test run: one would take away what another has installed, or see it."""
    with FileLock(Path(sys.prefix) / "installed-by-tests.lock"):
        yield
