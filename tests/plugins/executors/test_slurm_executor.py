"""Studies on a real SLURM, of which jobs are cancelled and killed."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import Started, command

pytestmark = pytest.mark.slow


def slurm(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)


if shutil.which("sinfo") is None or slurm("sinfo", "--noheader").returncode != 0:
    pytest.skip("no SLURM answers here", allow_module_level=True)


@pytest.fixture(autouse=True)
def own_queue(tmp_path):
    """Cancel what a test leaves in the queue."""
    yield
    names = [path.stem for path in tmp_path.glob("away/executors/slurm/*.tasks")]
    slurm("scancel", *(f"--name=vaehub-{name}" for name in names[:1]))


def tasks(store):
    """Return id and state of each task of a study that the queue shows."""
    names = ",".join(f"vaehub-{path.stem}" for path in Path(store).glob("executors/slurm/*.tasks"))
    shown = slurm("squeue", "--noheader", "--array", f"--name={names}", "--format=%F_%K %T").stdout if names else ""
    return dict(line.split() for line in shown.splitlines())


def work_of(store):
    """Return the processes that do jobs of a store."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command_line = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if command_line[3:5] == ["study", "work"] and str(store) in command_line[5]:
                found.append(int(folder.name))
    return found


@pytest.mark.timeout(900)  # its scheduler looks for free nodes twice a minute
def test_jobs_that_are_cancelled_and_killed_are_made_by_the_next_run(study, until, whole, tmp_path):
    run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "slurm")
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
