"""Job arrays as the queue gets them, also where it takes some and refuses the rest: with commands that stand in."""

import pytest

from vaehub import VaehubError
from vaehub.executors import Job
from vaehub.plugins.executors.slurm.executor import Slurm
from vaehub.plugins.executors.slurm.params import SlurmParams

SBATCH = """
cat > script
echo "$@" >> asked
if [ "$(wc -l < asked)" -gt 1 ]; then
    echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2
    exit 1
fi
echo 41
"""
COMMANDS = {"sbatch": SBATCH, "scontrol": "echo 'MaxArraySize            = 3'", "scancel": 'echo "$@" > cancelled'}


@pytest.fixture(autouse=True)
def _queue(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, script in COMMANDS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")


@pytest.fixture
def jobs(tmp_path):
    return [Job(f"{at:024x}", "{}", len, tmp_path / "jobs" / f"{at:024x}.json") for at in range(8)]


def test_a_queue_that_refuses_the_second_array_is_left_without_the_first(tmp_path, jobs):
    executor = Slurm(SlurmParams(jobs_per_task=2), tmp_path / "slurm")
    refusal = "SLURM refuses: QOSMaxSubmitJobPerUserLimit; Batch job submission failed: Job violates"
    with pytest.raises(VaehubError, match=refusal):
        executor.submit(jobs)
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert "--array=0-2 " in first
    assert "--array=0-0 " in second
    assert (tmp_path / "cancelled").read_text() == "41\n"


@pytest.mark.parametrize(
    ("params", "option"),
    [
        ({"partition": "main"}, "--partition=main"),
        ({"time": "2:00:00"}, "--time=2:00:00"),
        ({"cpus": 3}, "--cpus-per-task=3"),
        ({"memory": "4G"}, "--mem=4G"),
        ({"gpus": 2}, "--gres=gpu:2"),
        ({"at_once": 5}, "--array=0-1%5"),
        ({"options": ["--account=mine"]}, "--account=mine"),
    ],
)
def test_what_a_task_may_take_is_said_to_the_queue(tmp_path, jobs, params, option):
    for given, is_said in ((params, True), ({}, False)):
        Slurm(SlurmParams(**given), tmp_path / "slurm").submit(jobs[:2])
        assert (option in (tmp_path / "asked").read_text().split()) is is_said
        (tmp_path / "asked").unlink()


def test_what_a_task_runs_has_setup_python_and_threads(tmp_path, jobs):
    params = SlurmParams(setup=["module load gcc"], python="/opt/python", cpus=3)
    Slurm(params, tmp_path / "slurm").submit(jobs[:1])
    setup, threads, *_, work = (tmp_path / "script").read_text().splitlines()[1:]
    assert setup == "module load gcc"
    assert threads == '[ -n "$OMP_NUM_THREADS" ] || export OMP_NUM_THREADS=3 VAEHUB_SHARE_OF_THREADS=3'
    assert work.startswith('eval "exec /opt/python -c ')
