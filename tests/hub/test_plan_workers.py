"""Several seeds at once, by real worker processes."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vaehub import Hub, VaehubError, WorkFailed
from vaehub.core.errors import DataError, NotRecorded, StoreError
from vaehub.hub.requests import RunPlan, metrics_of, stages_of
from vaehub.hub.study.worker_process import PlanJob, _sent

SMALL = {"train.epochs": 2, "model.latent_dim": 3, "data.subset": 200, "metric.elbo.split": "train"}
METRICS = ["elbo", "relevance", "reconstructions", "ssim_diversity"]
ENOUGH = {"metric.ssim_diversity.n_samples": 20, "metric.ssim_diversity.n_bootstrap": 0}


def opened(folder):
    return Hub.open(folder, device="cpu")


def values(measurement):
    """Return all numbers as text that has all their digits; NaN equals NaN."""
    result = measurement.result
    scalars = {name: float(value).hex() for name, value in result.scalars.items()}
    vectors = {name: [float(value).hex() for value in vector.values] for name, vector in result.vectors.items()}
    return scalars, vectors, {name: array.tobytes() for name, array in result.arrays.items()}


@pytest.mark.slow
def test_seeds_at_once_are_those_of_one_after_the_other_to_the_bit(tmp_path):
    one, two = opened(tmp_path / "one"), opened(tmp_path / "two")
    asked = {"seed": [2, 0], "settings": {**SMALL, **ENOUGH}, "at_epochs": [1]}
    expected, found = (hub.run("vae", METRICS, **asked, jobs=jobs) for hub, jobs in ((one, 1), (two, 2)))
    assert [each.id for each in found] == [each.id for each in expected]
    assert [each.reused for each in found] == [each.reused for each in expected] == [False] * len(found)
    for ours, theirs in zip(found, expected, strict=True):
        assert values(ours) == values(theirs)
        assert ours.record.request == theirs.record.request
        assert (ours.training is None) == (theirs.training is None)
        if ours.training is not None:
            assert (ours.training.id, ours.training.recipe) == (theirs.training.id, theirs.training.recipe)
    for (training,) in one.sql("select id from trainings"):
        weights = two.store.weights(training)
        assert all(np.array_equal(weights[name], array) for name, array in one.store.weights(training).items())
    assert two.verify().problems == ()
    again = two.run("vae", METRICS, **asked, jobs=2)
    assert all(each.reused for each in again)
    assert [values(each) for each in again] == [values(each) for each in found]


@pytest.mark.slow
def test_a_failure_is_recorded_and_no_seed_is_begun_after_it(tmp_path):
    hub = opened(tmp_path / "store")
    with pytest.raises(WorkFailed, match=r"training \w+ of model 'vae' with seed 0 failed: training diverged"):
        hub.run("vae", "elbo", seed=range(6), settings={"train.learning_rate": 1e30, "data.subset": 200}, jobs=2)
    stored = dict(hub.sql("select seed, status from trainings"))
    assert set(stored.values()) == {"failed"}
    assert {0} <= set(stored) <= {0, 1}
    assert hub.verify().problems == ()


@pytest.mark.slow
def test_what_cannot_be_done_is_refused_before_anything_is_made(tmp_path):
    hub = opened(tmp_path / "store")
    with pytest.raises(VaehubError, match="metric 'elbo' needs a model whose loss") as caught:
        hub.run("ae", "elbo", seed=[0, 1], jobs=2)
    assert not isinstance(caught.value, WorkFailed)
    assert not hub.store.exists


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_while_it_tries_is_no_fault_of_the_request(tmp_path, monkeypatch):
    monkeypatch.setattr("vaehub.hub.study.pool.work", die)
    hub = opened(tmp_path / "store")
    said = "^the worker process ended by SIGKILL before anything was made; run it again, with fewer '--jobs' if memory"
    with pytest.raises(WorkFailed, match=said):
        hub.run("vae", "elbo", seed=[0, 1], jobs=2)
    assert not hub.store.exists


def test_no_process_is_started_where_there_is_nothing_to_make(hub, monkeypatch):
    asked = {"settings": {"train.epochs": 1, "model.latent_dim": 2, "data.subset": 100}, "seed": [0, 1]}
    monkeypatch.setattr("vaehub.hub.plan_workers.Pool", None)
    made = hub.run("vae", "elbo", **asked)
    assert [each.id for each in hub.run("vae", "elbo", **asked, jobs=2)] == [each.id for each in made]


@pytest.mark.parametrize("jobs", [0, 1001, "two"])
def test_a_number_of_jobs_that_cannot_be_is_refused(hub, jobs):
    with pytest.raises(VaehubError, match="the number of jobs is"):
        hub.run("vae", "elbo", seed=[0, 1], jobs=jobs)
    assert not hub.store.exists


def test_seeds_that_are_trained_as_one_program_stay_in_this_process(hub, monkeypatch):
    monkeypatch.setattr("vaehub.hub.plan_workers.Pool", None)
    settings = {"train.epochs": 1, "model.latent_dim": 2, "data.subset": 100, "train.together": True}
    found = hub.run("vae", "elbo", seed=[0, 1], settings=settings, jobs=2)
    assert [each.record.seed for each in found] == [0, 1]


def test_a_plan_goes_to_another_process_with_all_that_it_asks_for(hub):
    recipe = hub.recipe("vae", settings={"train.epochs": 3})
    wanted = metrics_of(hub.catalog, ["elbo", "ssim_diversity"], {}, hub.store.training_id)
    job = PlanJob(RunPlan(recipe, stages_of(recipe, [1]), wanted), force=True)
    sent = pickle.loads(pickle.dumps(job))
    assert list(sent.wanted) == list(job.wanted)
    assert len(sent.wanted) == 3
    assert (sent.force, sent.dry) == (True, False)


class Strange(DataError):
    def __init__(self, message, detail):
        super().__init__(message)
        self.detail = detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Strange("no data", detail=lambda: 0), VaehubError),
        (StoreError("the disk is full"), StoreError),
        (NotRecorded("the disk is full"), NotRecorded),
        (WorkFailed("it diverged"), WorkFailed),
    ],
)
def test_an_error_of_a_worker_keeps_its_words_its_exit_code_and_its_traceback(error, kind):
    def failing():
        raise error

    try:
        failing()
    except VaehubError as caught:
        sent = pickle.loads(pickle.dumps(_sent(caught)))
    assert type(sent) is kind
    assert str(sent) == str(error)
    assert "in failing" in sent.__notes__[0]


# Whoever runs the tests in the background may have told their processes to ignore interruptions.
LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
COMMAND = [sys.executable, "-c", LISTENING + "from vaehub.cli.main import main; main()"]
LONG = {"train.epochs": 300, "model.latent_dim": 3, "data.subset": 200}


def workers_of(process):
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line]


@pytest.mark.slow
@pytest.mark.parametrize("how", [pytest.param(signal.SIGINT, marks=pytest.mark.longest), signal.SIGKILL])
def test_a_command_that_is_stopped_and_a_worker_that_is_killed_lose_nothing(tmp_path, how):
    """An interruption of the command, and the death of one worker."""
    store = tmp_path / "store"
    hub = opened(store)
    settings = [f"--set={name}={value}" for name, value in LONG.items()]
    words = ["run", "--model", "vae", "--metric", "elbo", "--seed=0", "--seed=1", "--seed=2", "--jobs=2", *settings]
    recipes = [hub.recipe("vae", seed=seed, settings=LONG) for seed in (0, 1)]
    with subprocess.Popen(
        [*COMMAND, *words, "--device=cpu", f"--store={store}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 60
        while not (hub.store.exists and all(hub.store.is_worked_on(each.id) for each in recipes)):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.05)
        workers = workers_of(process.pid)
        assert len(workers) == 2
        os.kill(workers[0] if how == signal.SIGKILL else process.pid, how)
        _, errors = process.communicate(timeout=200)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert hub.verify().problems == ()
    stored = dict(hub.sql("select seed, status from measurements"))
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert stored == {}
    else:
        assert process.returncode == 1
        assert "of model 'vae': the worker process ended by SIGKILL; run it again, with fewer '--jobs'" in errors
        assert sorted(stored.values()) == ["done", "failed"]
        assert 2 not in stored
    assert len(hub.run("vae", "elbo", seed=[0, 1, 2], settings=LONG)) == 3
