"""Studies on a real Dask cluster, of which a worker is killed."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.processes import Started, command, commands
from vaehub.executors import Job
from vaehub.plugins.executors.dask.executor import Dask
from vaehub.plugins.executors.dask.params import DaskParams

if find_spec("distributed") is None:
    pytest.skip("distributed is not installed; vaehub[dask] brings it", allow_module_level=True)

from distributed import Client


@pytest.fixture
def start(tmp_path):
    """Starts a scheduler or a worker, as a process of its own."""
    environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3", "OMP_NUM_THREADS": "1"}
    started = []

    def start(program, *arguments, cwd=None):
        module, file = f"distributed.cli.dask_{program}", str(tmp_path / "scheduler.json")
        with (tmp_path / f"{program}.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, "--scheduler-file", file, "--no-dashboard", *arguments],
                env=environment, stdout=log, stderr=log, cwd=cwd,
            )  # fmt: skip
        started.append(process)
        return process

    yield start
    for each in reversed(started):
        each.kill()
        each.wait()


@pytest.fixture
def cluster(tmp_path, start, until):
    """A scheduler and two workers."""
    file = tmp_path / "scheduler.json"
    start("scheduler", "--port", "0", "--host", "127.0.0.1")
    until(file.exists)
    workers = [start("worker", "--no-nanny", "--nthreads", "1") for _ in range(2)]
    return json.loads(file.read_text())["address"], workers


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_submitter_cost_nothing_that_was_made(cluster, study, until, whole, tmp_path):
    address, workers = cluster
    run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "dask")
    run += ("--set", f"executor.address={address}", "--set", "executor.wait=60")
    arrays = tmp_path / "away" / "arrays"
    submitter = Started(*run)
    until(lambda: arrays.is_dir() and any(arrays.glob("training-*.h5")))
    workers[0].send_signal(signal.SIGKILL)
    submitter.kill()
    submitter.end()
    status = command("study", "status", study, "--store", "away")
    assert "0 failed" in status.stdout
    assert "lost" in status.stdout
    done = command(*run, timeout=250)
    assert "4 of 4 measurements done, 0 failed, 0 left" in done.stdout, done.stderr
    whole("away")


@pytest.mark.slow
def test_what_a_worker_was_at_when_it_died_goes_on_elsewhere_from_its_checkpoint(cluster, slow_study, until, tmp_path):
    address, workers = cluster
    study, steps = slow_study([80, 80])
    run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "dask")
    submitter = Started(*run, "--set", f"executor.address={address}", "--set", "executor.wait=60")
    checkpoints = tmp_path / "away" / "checkpoints"
    until(lambda: len(list(checkpoints.glob("*.h5"))) == 2)
    first = {path: path.stat().st_mtime_ns for path in checkpoints.glob("*.h5")}
    until(lambda: all(path.stat().st_mtime_ns > moment for path, moment in first.items()))
    workers[0].send_signal(signal.SIGKILL)
    assert "2 of 2 measurements done, 0 failed, 0 left" in submitter.end(250).stdout
    assert command("verify", "--store", "away").returncode == 0
    # From the start it were as many steps again as were made before the last checkpoint.
    assert 9 * 160 < len(steps.read_text().splitlines()) < 9 * 160 + 11 / 0.05


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_without_workers_says_so_and_goes_on_with_those_that_come(cluster, start, slow_study, until, tmp_path):
    address, workers = cluster
    study, steps = slow_study([20, 20])
    run = ("study", "run", study, "--store", "away", "--jobs", "1", "--executor", "dask")
    submitter = Started(*run, "--set", f"executor.address={address}", "--set", "executor.wait=60")
    # Until jobs are laid down, this machine tries their steps.
    until(lambda: [job for job in (tmp_path / "away" / "jobs").glob("*.json") if not job.name.startswith("probe")])
    tried = steps.read_text()
    until(lambda: steps.read_text() != tried)
    for each in workers:
        each.send_signal(signal.SIGKILL)
        each.wait()
    until(lambda: "has no worker any more" in submitter.errors())
    assert not submitter.has_ended
    start("worker", "--no-nanny", "--nthreads", "1")
    done = submitter.end(250)
    assert "2 of 2 measurements done, 0 failed, 0 left" in done.stdout, done.stderr
    assert done.stderr.count("has no worker any more") == 1


@pytest.mark.slow
def test_jobs_that_no_worker_could_take_are_refused(cluster, study, tmp_path):
    address, _ = cluster
    run = ("study", "run", study, "--store", "away", "--executor", "dask", "--set", f"executor.address={address}")
    done = command(*run, "--set", "executor.resources={GPU = 1}", "--set", "executor.wait=60")
    assert done.returncode == 2
    assert "has 1 of resource 'GPU', so that jobs would wait for ever" in done.stderr
    assert not (tmp_path / "away").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_what_is_no_cluster_is_refused_before_anything_is_made(study, tmp_path):
    (tmp_path / "own.py").write_text("def make():\n    return 1 / 0\n")
    run = ("study", "run", study, "--store", "away", "--executor", "dask")
    nobody = ("--set", "executor.address=tcp://127.0.0.1:9", "--set", "executor.wait=0.5")
    neither, unreachable, broken = commands([run, (*run, *nobody), (*run, "--set", "executor.cluster=./own.py:make")])
    assert "either 'address' or 'cluster' is needed" in neither.stderr
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9' within 0.5 s" in unreachable.stderr
    assert "no Dask cluster is made by './own.py:make': ZeroDivisionError: division by zero" in broken.stderr
    for each in neither, unreachable, broken:
        assert each.returncode == 2
        assert len(each.stderr.splitlines()) == 1, each.stderr
    assert not (tmp_path / "away").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("alone")
def test_a_worker_of_another_version_and_a_store_that_workers_do_not_see_are_refused(
    cluster, start, study, until, tmp_path
):
    address, _ = cluster
    run = ("study", "run", study, "--executor", "dask", "--set", f"executor.address={address}")
    run += ("--set", "executor.wait=60")
    # This path is another folder for each process that is somewhere else.
    elsewhere = start("worker", "--no-nanny", "--nthreads", "1", cwd="/")
    with Client(address, set_as_default=False, timeout=60) as client:
        client.wait_for_workers(3, timeout=60)
        unseen = command(*run, "--store", "/proc/self/cwd/away")
        elsewhere.kill()
        older = ("--preload", "import vaehub; vaehub.__version__ = '0.0.9'")
        start("worker", "--no-nanny", "--nthreads", "1", "--name", "older", *older)
        until(lambda: "older" in {each["name"] for each in client.scheduler_info(n_workers=-1)["workers"].values()})
    older = command(*run, "--store", "away")
    assert "does not see store '/proc/self/cwd/away'; name one on a disk that all workers have" in unseen.stderr
    assert "has vaehub 0.0.9, and the study is run by " in older.stderr
    for each in unseen, older:
        assert each.returncode == 2
        assert len(each.stderr.splitlines()) == 1, each.stderr
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize(
    ("params", "given"), [({}, (0, None)), ({"retries": 2, "resources": {"GPU": 1}}, (2, {"GPU": 1}))]
)
def test_retries_and_resources_are_handed_on(tmp_path, monkeypatch, params, given):
    tasks = []

    class Client:
        def __init__(self, address, timeout, **_):
            assert (address, timeout) == ("tcp://127.0.0.1:1", 3)

        def submit(self, work, text, *, retries, resources, **_):
            tasks.append((work(text), retries, resources))

    monkeypatch.setattr("distributed.Client", Client)
    executor = Dask(DaskParams(address="tcp://127.0.0.1:1", wait=3, **params), tmp_path)
    executor.submit([Job("a", "text", len, tmp_path / "a.json")])
    assert tasks == [(4, *given)]
