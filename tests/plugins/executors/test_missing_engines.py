"""Engines that are not here are said to be missing, before anything is made."""

import sys

import pytest

from tests.studies import small_study
from vaehub import VaehubError
from vaehub.cli.options import parse_settings
from vaehub.plugins.executors.slurm.params import SlurmParams


@pytest.fixture
def study(hub, tmp_path):
    (tmp_path / "small.toml").write_text(small_study())
    return hub.study(tmp_path / "small.toml")


def test_a_missing_extra_is_named(study, hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    settings = {"executor.address": "tcp://127.0.0.1:9"}
    with pytest.raises(VaehubError, match=r"'dask' needs the package 'distributed' .*; install vaehub\[dask\]"):
        study.run(executor="dask", settings=settings)
    assert not hub.store.path.exists()


@pytest.mark.parametrize("written", ["30", "2:00:00", "02:00:00", "1-12", "unlimited"])
def test_a_time_limit_reaches_slurm_as_it_was_written(written):
    read = parse_settings([f"executor.time={written}"])["executor.time"]
    assert SlurmParams(time=read).time == written


def test_missing_commands_of_slurm_are_named(study, hub, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VaehubError, match="there is no 'sbatch' here; run the study on a login node"):
        study.run(executor="slurm")
    assert not hub.store.path.exists()
