"""Studies on a real SLURM, of which jobs are cancelled and killed."""

import os
import signal
import sys

import pytest

from tests.plugins.executors.queues import cancel_all, slurm, tasks, work_of
from tests.processes import Started, command

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_queue(tmp_path):
    """Cancel what a test leaves in the queue."""
    yield
    cancel_all(tmp_path)


@pytest.mark.timeout(900)  # its scheduler looks for free nodes twice a minute
def test_jobs_that_are_cancelled_and_killed_are_made_by_the_next_run(study, until, whole, tmp_path):
    run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "slurm")
    run += ("--set", "executor.at_once=2")  # however large the cluster is, some have to wait
    submitter = Started(*run)
    until(lambda: len(tasks("away")) == 4)
    submitter.kill()
    submitter.end()
    until(lambda: work_of(tmp_path / "away"))
    waiting = [name for name, state in tasks("away").items() if state == "PENDING"]
    slurm("scancel", waiting[-1])
    os.kill(work_of(tmp_path / "away")[0], signal.SIGKILL)
    until(lambda: "2 lost" in command("study", "status", study, "--store", "away").stdout)
    again = command(*run, timeout=280)
    assert "4 of 4 measurements done, 0 failed, 0 left" in again.stdout, again.stderr
    whole("away")


def test_what_the_controller_does_not_take_is_refused_and_nothing_is_in_the_queue(study, tmp_path):
    run = ("study", "run", study, "--store", "away", "--executor", "slurm")
    for setting, said in {
        "partition=none": "Invalid partition",
        "time=soon": "Invalid --time specification",
        "cpus=100000": "Requested node configuration is not available",
        "python=/nowhere/python": "/nowhere/python",
    }.items():
        done = command(*run, "--set", f"executor.{setting}")
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert tasks("away") == {}
    assert not (tmp_path / "away").exists()


def sentence(done):
    """Return what a refused command says, which is one line."""
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_queue_that_takes_no_jobs_is_refused_and_nothing_is_in_it(study, tmp_path):
    partition = slurm("sinfo", "--noheader", "--format=%R").stdout.split()[0]
    if slurm("scontrol", "update", f"PartitionName={partition}", "State=INACTIVE").returncode != 0:
        pytest.skip("this user may not close a partition")
    try:
        done = command("study", "run", study, "--store", "away", "--executor", "slurm")
    finally:
        slurm("scontrol", "update", f"PartitionName={partition}", "State=UP")
    assert "SLURM refuses: " in sentence(done)
    assert tasks("away") == {}
    assert not (tmp_path / "away").exists()


def test_a_node_with_another_version_or_without_the_store_is_refused_and_nothing_is_in_the_queue(study, tmp_path):
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "sitecustomize.py").write_text("import vaehub\nvaehub.__version__ = '0.0.9'\n")
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}/older exec {sys.executable} "$@"\n')
    other.chmod(0o755)
    run = ("study", "run", study, "--executor", "slurm")
    said = sentence(command(*run, "--store", "away", "--set", f"executor.python={other}"))
    assert "has vaehub 0.0.9, and the study is run by " in said
    # This path is another folder for each process that is somewhere else.
    seen = ("--store", "/proc/self/cwd/away", "--set", 'executor.setup=["cd /"]')
    assert "does not see store '/proc/self/cwd/away'; name one on a disk that all workers have" in sentence(
        command(*run, *seen)
    )
    assert tasks("away") == {}
    assert not (tmp_path / "away").exists()
