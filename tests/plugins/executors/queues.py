"""The real SLURM of this machine, as its commands show it; whoever imports this is skipped where there is none."""

import shutil
import subprocess
from pathlib import Path

import pytest


def slurm(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)


if shutil.which("sinfo") is None or slurm("sinfo", "--noheader").returncode != 0:
    pytest.skip("no SLURM answers here", allow_module_level=True)


def tasks(store):
    """Return id and state of each task of a study that the queue shows."""
    names = ",".join(f"vaehub-{path.stem}" for path in Path(store).glob("executors/slurm/*.tasks"))
    shown = slurm("squeue", "--noheader", "--array", f"--name={names}", "--format=%F_%K %T").stdout if names else ""
    return dict(line.split() for line in shown.splitlines())


def cancel_all(folder):
    """Cancel what a study of a folder has in the queue."""
    for path in folder.glob("away/executors/slurm/*.tasks"):
        slurm("scancel", f"--name=vaehub-{path.stem}")


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
