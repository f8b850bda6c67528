"""What becomes of trainings on a real SLURM that are cancelled, killed, out of time or queued again in the middle."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.plugins.executors.queues import cancel_all, slurm, tasks, work_of
from tests.processes import Started, command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STEPS = 9
"""Of an epoch."""
LOST = round(11 / 0.05)
"""Steps since the last checkpoint, at most."""


@pytest.fixture(autouse=True)
def own_queue(tmp_path):
    """Cancel what a test leaves in the queue."""
    yield
    cancel_all(tmp_path)


@pytest.fixture
def begun(slow_study, until):
    """Has SLURM train a long model and a short one, until the long one has a second checkpoint.

    Returns the command that waits, its arguments, and the file of steps.
    """

    def begun(epochs, *settings):
        study, steps = slow_study([epochs, 2])
        chosen = [part for setting in settings for part in ("--set", setting)]
        run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "slurm", *chosen)
        submitter = Started(*run)
        until(lambda: checkpoints())
        first = checkpoints()
        until(lambda: checkpoints() != first)
        return submitter, run, steps

    return begun


def checkpoints():
    """Return the moments of the checkpoints of the store."""
    return {path.name: path.stat().st_mtime_ns for path in Path("away", "checkpoints").glob("*.h5")}


def running():
    """Return the one task that runs."""
    (task,) = (name for name, state in tasks("away").items() if state == "RUNNING")
    return task


def state_of(run):
    """Return how far the study is, as another command says it meanwhile."""
    done = command("study", "status", run[2], "--store", "away", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def went_on(steps, epochs):
    """Whether what was trained before the last checkpoint was not trained again."""
    n = len(steps.read_text().splitlines())
    return STEPS * (epochs + 2) <= n < STEPS * (epochs + 2) + LOST


def scancel(_):
    slurm("scancel", running())


def kill(folder):
    (process,) = work_of(folder)
    os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "said"),
    [(scancel, "is CANCELLED, with exit code 0:15"), (kill, "is FAILED, with exit code 0:9")],
    ids=["cancelled", "killed"],
)
def test_a_training_that_is_ended_goes_on_with_the_next_run(begun, whole, tmp_path, monkeypatch, end, said):
    submitter, run, steps = begun(80)
    end(tmp_path / "away")
    ended = submitter.end(60)
    assert ended.returncode == 1
    state = state_of(run)
    assert (state["done"], state["failed"], state["queued"], state["running"]) == (1, 1, 0, 0)
    (failure,) = state["failures"]
    assert "its job on 'slurm' was lost: SLURM job " in failure["error"]
    assert said in failure["error"]
    again = command(*run, timeout=250)
    assert "2 of 2 measurements done, 0 failed, 0 left" in again.stdout, again.stderr
    assert went_on(steps, 80)
    monkeypatch.setenv("SECONDS_OF_A_STEP", "0")
    whole("away", run[2], 2)


def test_trainings_longer_than_the_time_limit_are_done_by_running_again(begun, whole, monkeypatch):
    # SLURM ends what has had a minute at the next of the looks that it takes twice a minute.
    submitter, run, steps = begun(230, "executor.time=1")
    ended = submitter.end(200)
    reasons = []
    while ended.returncode == 1 and len(reasons) < 3:
        reasons += [failure["error"] for failure in state_of(run)["failures"]]
        ended = command(*run, timeout=200)
    assert "2 of 2 measurements done, 0 failed, 0 left" in ended.stdout, ended.stderr
    assert reasons
    for reason in reasons:
        assert "is TIMEOUT, with exit code 0:" in reason
    n = len(steps.read_text().splitlines())
    assert STEPS * 232 <= n < STEPS * 232 + LOST * len(reasons)
    monkeypatch.setenv("SECONDS_OF_A_STEP", "0")
    whole("away", run[2], 2)


def test_a_training_that_is_queued_again_goes_on_under_the_same_command(begun, whole, until, tmp_path, monkeypatch):
    submitter, run, steps = begun(80)
    task = running()
    assert slurm("scontrol", "requeue", task).returncode == 0
    until(lambda: tasks("away").get(task) == "PENDING" and not work_of(tmp_path / "away"))
    state = state_of(run)
    assert (state["done"], state["failed"], state["queued"], state["lost"]) == (1, 0, 1, 0)
    # It would wait two minutes.
    slurm("scontrol", "update", f"JobId={task}", "StartTime=now")
    ended = submitter.end(250)
    assert "2 of 2 measurements done, 0 failed, 0 left" in ended.stdout, ended.stderr
    assert ended.returncode == 0
    assert went_on(steps, 80)
    monkeypatch.setenv("SECONDS_OF_A_STEP", "0")
    whole("away", run[2], 2)
