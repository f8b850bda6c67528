"""Jobs as tasks of SLURM's job arrays. The queue itself is asked how they are, as it alone knows without accounting."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final
from uuid import uuid4

from vaehub import VaehubError
from vaehub.executors import SHARE_OF_THREADS, Executor, Job, JobState
from vaehub.plugins.executors.slurm.commands import NoAnswer, known_tasks, limit, said, slurm, tried
from vaehub.plugins.executors.slurm.params import SlurmParams

USUAL_ARRAY_SIZE = 1001
"""Tasks of an array, where the configuration says nothing."""
AT_ONCE, PROBE_TIMEOUT = 5, 15.0
"""Seconds in which a probe must be given resources, and in which it must have ended."""
BEFORE = ("CONFIGURING", "PENDING", "REQUEUE", "RESV_DEL_HOLD", "SPECIAL_EXIT", "STOPPED")
OVER = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_ME", "PREEMPTED", "TIMEOUT")
"""Beginnings of SLURM's names of the states before a job runs, and after it has ended."""
UNSEEN = 66
"""Exit code of a task that does not see the folder of the store."""
WORK = "from vaehub.cli.main import main; main()"


@dataclass(frozen=True)
class Task:
    """One task of a job array, as the queue shows it."""

    array: str
    index: str
    state: str

    @property
    def is_over(self) -> bool:
        """Whether it has ended and will not be run again."""
        return self.state.startswith(OVER)

    @property
    def phase(self) -> JobState:
        """Its state, if it is not over."""
        return JobState("queued" if self.state.startswith(BEFORE) else "running")

    @property
    def name(self) -> str:
        """Its id, as SLURM's commands take it."""
        return f"{self.array}_{self.index}"


@final
class Slurm(Executor[SlurmParams]):
    """The queue of a cluster, seen from a machine that has its commands.

    Which jobs an array has is written down before it is submitted, and the array is found by its name: whenever the
    process that submits is killed, nothing is in the queue of which nobody knows.
    """

    interval = 2.0
    outlives = True

    def __init__(self, params: SlurmParams, folder: Path) -> None:
        super().__init__(params, folder)
        self._reasons: dict[str, str] = {}

    def check(self, probe: Job) -> None:
        """Refuse what the controller does not accept, and, if a node is free at once, what a node cannot do."""
        slurm("sbatch", "--test-only", "--array=0", *self._options(), text="#!/bin/sh\n")
        script = self._script(f"{self._command()} {shlex.quote(str(probe.file))}")
        with suppress(NoAnswer):  # a slow node is none that cannot
            command = ("srun", "--quiet", f"--immediate={AT_ONCE}", "--ntasks=1", *self._options(), "--time=1")
            done = tried(*command, "/bin/bash", "-c", script, timeout=PROBE_TIMEOUT)
            if done.returncode != 0 and "llocate" not in done.stderr:
                lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("srun:")]
                raise VaehubError(f"a node cannot do jobs: {lines[-1].strip() if lines else said(done)}")

    def submit(self, jobs: Sequence[Job]) -> None:
        """Submit as many arrays as it takes; if one is refused, those before are cancelled."""
        self.folder.mkdir(parents=True, exist_ok=True)
        size, most = self.params.jobs_per_task, limit("MaxArraySize", USUAL_ARRAY_SIZE)
        tasks = [jobs[begin : begin + size] for begin in range(0, len(jobs), size)]
        arrays: list[str] = []
        try:
            for begin in range(0, len(tasks), most):
                arrays.append(self._submit_array(tasks[begin : begin + most]))
        except BaseException:
            if arrays:
                slurm("scancel", *arrays)
            raise

    def states(self, jobs: Collection[str]) -> Mapping[str, JobState]:
        """Return what the queue says; of jobs that have ended too, as long as it remembers them."""
        found: dict[str, JobState] = {}
        for job, task, log in self._tasks(jobs):
            # A job that was submitted again is where it is alive.
            if not task.is_over:
                found[job] = task.phase
            elif job not in found or found[job].phase == "ended":
                found[job] = JobState("ended", reason=self._reason(task, log))
        return found

    def cancel(self, jobs: Collection[str]) -> None:
        """Cancel the tasks of jobs, unless they do other jobs too."""
        kept: set[str] = set()
        asked: set[str] = set()
        for job, task, _ in self._tasks(jobs, all_of_them=True):
            (asked if job in jobs else kept).add(task.name)
        if asked - kept:
            slurm("scancel", *sorted(asked - kept))

    def _submit_array(self, tasks: Sequence[Sequence[Job]]) -> str:
        token = f"{time.time_ns():x}-{uuid4().hex[:4]}"
        lists = self.folder / f"{token}.tasks"
        lists.write_text("".join(f"{shlex.join(str(job.file) for job in task)}\n" for task in tasks))
        at_once = "" if self.params.at_once is None else f"%{self.params.at_once}"
        options = (
            f"--array=0-{len(tasks) - 1}{at_once}",
            f"--job-name=vaehub-{token}",
            f"--output={self.folder / token}-%a.log",
            "--open-mode=append",
            "--requeue",
        )
        where = shlex.quote(str(lists))
        script = self._script(
            f'if [ ! -r {where} ]; then echo "this node does not see "{where} >&2; exit {UNSEEN}; fi',
            f'eval "{self._command(inside=True)} $(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {where})"',
        )
        try:
            return slurm("sbatch", "--parsable", *options, *self._options(), text=script).strip().partition(";")[0]
        except BaseException:
            lists.unlink(missing_ok=True)
            raise

    def _options(self) -> list[str]:
        params = self.params
        given = {
            "partition": params.partition,
            "time": params.time,
            "cpus-per-task": params.cpus,
            "mem": params.memory,
            "gres": f"gpu:{params.gpus}" if params.gpus else None,
        }
        return [f"--{name}={value}" for name, value in given.items() if value is not None] + params.options

    def _script(self, *work: str) -> str:
        n = self.params.cpus
        # What nobody asked for is a share of the machine, which small work leaves unused.
        threads = f'[ -n "$OMP_NUM_THREADS" ] || export OMP_NUM_THREADS={n} {SHARE_OF_THREADS}={n}'
        return "\n".join(["#!/bin/bash", *self.params.setup, threads, *work, ""])

    def _command(self, *, inside: bool = False) -> str:
        """Return the command that does jobs, in the place of the shell, so that signals reach it."""
        command = f"exec {shlex.join([self.params.python or sys.executable, '-c', WORK])} study work"
        return command.replace('"', '\\"') if inside else command

    def _tasks(self, jobs: Collection[str], *, all_of_them: bool = False) -> Iterator[tuple[str, Task, Path]]:
        """Yield jobs with their tasks and logs, of all arrays that have some of them."""
        arrays = {}
        for lists in sorted(self.folder.glob("*.tasks")):
            lines = [[Path(file).stem for file in shlex.split(line)] for line in lists.read_text().splitlines()]
            if any(job in jobs for line in lines for job in line):
                arrays[f"vaehub-{lists.stem}"] = lines
        for name, index, state, array in known_tasks(list(arrays)):
            for job in arrays[name][int(index)]:
                if all_of_them or job in jobs:
                    log = self.folder / f"{name.removeprefix('vaehub-')}-{index}.log"
                    yield job, Task(array, index, state), log

    def _reason(self, task: Task, log: Path) -> str:
        if task.name not in self._reasons:
            shown = tried("scontrol", "--oneliner", "show", "job", task.name).stdout
            fields = dict(field.partition("=")[::2] for field in shown.split())
            code = fields.get("ExitCode", "unknown")
            last = _last_line(log)
            if code.startswith(f"{UNSEEN}:"):
                last = f"its node {fields.get('NodeList', '')} does not see {str(self.folder)!r}"
            why = f"SLURM job {task.name} is {task.state}, with exit code {code}"
            self._reasons[task.name] = f"{why}; {last}" if last else f"{why}; its log would be {log}"
        return self._reasons[task.name]


def _last_line(log: Path) -> str:
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return f"its log {log} ends with {lines[-1]!r}" if lines else ""
