"""Engines that are not here are said to be missing, before anything is made."""

import sys

import pytest

from tests.studies import small_study
from vaehub import VaehubError


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


def test_missing_commands_of_slurm_are_named(study, hub, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VaehubError, match="there is no 'sbatch' here; run the study on a login node"):
        study.run(executor="slurm")
    assert not hub.store.path.exists()
