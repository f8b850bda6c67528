"""What tests of engines share."""

import time
from pathlib import Path

import pytest

from tests.processes import command
from tests.studies import small_study

VALUES = "select training, seed, latent_dim, metric, name, value from results order by all"
WEIGHTS = "select owner, name, shape, dtype, sha256 from arrays order by all"


@pytest.fixture
def study(tmp_path):
    """Name of a study of four trainings that take some seconds each."""
    (tmp_path / "small.toml").write_text(small_study(subset=500, batch_size=10, epochs=20))
    return "./small.toml"


@pytest.fixture
def asked():
    """Asks a store something; returns CSV."""

    def asked(sql, store):
        done = command("sql", sql, "--store", store, "--format", "csv")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return asked


@pytest.fixture
def whole(asked, study):
    """Checks that a store has all of the study once, bit for bit as worker processes of this machine make it."""

    def whole(store):
        done = command("study", "run", study, "--store", "own", "--jobs", "2", timeout=250)
        assert "4 of 4 measurements done, 0 failed, 0 left" in done.stdout, done.stderr
        for sql in VALUES, WEIGHTS, "select count(*) from trainings", "select count(*) from measurements":
            assert asked(sql, store) == asked(sql, "own")
        assert command("verify", "--store", store).returncode == 0
        assert not list(Path(store, "jobs").glob("*.*"))

    return whole


@pytest.fixture
def until():
    """Waits until something is so."""

    def until(happens, seconds=120):
        end = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.1)

    return until
