"""The commands of SLURM, asked as a user would: they say at once what its libraries for Python learn late or never."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from vaehub import VaehubError

TIMEOUT = 20.0
"""Seconds that a controller may take for an answer."""


class NoAnswer(VaehubError):  # noqa: N818 the absence is the error
    """SLURM takes too long."""


def slurm(*command: str, text: str | None = None, timeout: float = TIMEOUT) -> str:
    """Return what a command of SLURM prints.

    Raises:
        VaehubError: If there is no such command here, it fails, or the controller does not answer.
    """
    done = tried(*command, text=text, timeout=timeout)
    if done.returncode != 0:
        raise VaehubError(f"SLURM refuses: {said(done)}")
    return done.stdout


def tried(*command: str, text: str | None = None, timeout: float = TIMEOUT) -> subprocess.CompletedProcess[str]:
    """Return how a command of SLURM ended.

    Raises:
        VaehubError: If there is no such command here.
        NoAnswer: If it takes too long.
    """
    try:
        return subprocess.run(  # noqa: S603 the commands are ours
            command, input=text or "", capture_output=True, text=True, timeout=timeout, check=False, env=_environment()
        )
    except FileNotFoundError as error:
        raise VaehubError(
            f"executor 'slurm' needs the commands of SLURM, and there is no {command[0]!r} here; run the study on a "
            "login node of the cluster"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(f"the controller of SLURM does not answer {command[0]!r} within {timeout:g} s") from error


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command says of its failure, without its own name, in a phrase."""
    lines = [line.partition("error: ")[2] or line for line in done.stderr.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(line.strip() for line in lines)) or f"exit code {done.returncode}"


def limit(name: str, default: int) -> int:
    """Return a limit of the cluster's configuration."""
    for line in slurm("scontrol", "show", "config").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == name and value.strip().isdigit():
            return int(value)
    return default


def known_tasks(arrays: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return name, index, state and id of each task of job arrays of some names that the queue still shows."""
    if not arrays:
        return []
    command = ("squeue", "--noheader", "--array", "--states=all", f"--name={','.join(arrays)}", "--format=%j|%K|%T|%F")
    lines = [line.strip().split("|") for line in slurm(*command).splitlines()]
    return [(name, index, state, array) for name, index, state, array in lines]


def _environment() -> dict[str, str]:
    """Return the environment without the marks of a job that this may run in, which would be taken for its own."""
    marks = (
        "SLURM_JOB",
        "SLURM_STEP",
        "SLURM_ARRAY",
        "SLURM_TASK",
        "SLURM_PROC",
        "SLURM_MEM",
        "SLURM_CPUS",
        "SLURM_TRES",
    )
    return {name: value for name, value in os.environ.items() if not name.startswith(marks)}
