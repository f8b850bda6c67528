"""Job arrays where the queue takes some and refuses the rest, which no SLURM of one machine does at will."""

import pytest

from vaehub import VaehubError
from vaehub.executors import Job
from vaehub.plugins.executors.slurm.executor import Slurm
from vaehub.plugins.executors.slurm.params import SlurmParams

SBATCH = """
cat > /dev/null
echo "$@" >> asked
if [ "$(wc -l < asked)" -gt 1 ]; then
    echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2
    exit 1
fi
echo 41
"""
COMMANDS = {"sbatch": SBATCH, "scontrol": "echo 'MaxArraySize            = 3'", "scancel": 'echo "$@" > cancelled'}


def test_a_queue_that_refuses_the_second_array_is_left_without_the_first(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name, script in COMMANDS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    executor = Slurm(SlurmParams(jobs_per_task=2), tmp_path / "slurm")
    jobs = [Job(f"{at:024x}", "{}", len, tmp_path / "jobs" / f"{at:024x}.json") for at in range(8)]
    refusal = "SLURM refuses: QOSMaxSubmitJobPerUserLimit; Batch job submission failed: Job violates"
    with pytest.raises(VaehubError, match=refusal):
        executor.submit(jobs)
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert "--array=0-2 " in first
    assert "--array=0-0 " in second
    assert (tmp_path / "cancelled").read_text() == "41\n"
