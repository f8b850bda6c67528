"""Tools of comparisons: both sides in fresh processes, alternating, and the ratio of medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LIMIT_SECONDS = 600
"""Seconds after which a process is stopped, so that every comparison ends."""


@dataclass(frozen=True)
class Options:
    """Options of a comparison.

    Attributes:
        environments: Folder of the peers' environments.
        full: Whether the slow side does all of the work instead of a share that is scaled.
        before: Checkout of an earlier build, which some comparisons have as their peer.
        device: Name of the device that computes.
    """

    environments: Path = HERE / ".environments"
    full: bool = False
    before: Path | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was measured.
        ours: Our result.
        theirs: The peer's result; ``None`` if there is a limit and no peer.
        unit: Unit of both results.
        ratio: How many times better we are, or ``None``.
        target: The goal, in words.
    """

    what: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    target: str


def environment(parent: Path, name: str, *requirements: str) -> str:
    """Return the interpreter of a peer's own environment, created once and again when its requirements change."""
    # Links stay unresolved, because the interpreter of an environment is itself a link.
    folder = parent.absolute() / name
    interpreter = folder / "bin" / "python"
    marker = folder / "done"
    wanted = "\n".join(requirements)
    if not marker.exists() or marker.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *requirements], check=True)
        marker.write_text(wanted)
    return str(interpreter)


def measured(interpreter: str, script: Path, *arguments: str) -> dict[str, float]:
    """Run a script, and return the results that it prints as JSON in its last line."""
    command = [interpreter, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{script.name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def in_turn(repeats: int, *sides: Callable[[], Mapping[str, float]]) -> list[dict[str, float]]:
    """Return the medians of each side's results, with alternating sides so that slow moments affect all of them."""
    runs: list[list[Mapping[str, float]]] = [[] for _ in sides]
    for _ in range(repeats):
        for side, found in zip(sides, runs, strict=True):
            found.append(side())
    return [{name: statistics.median(run[name] for run in found) for name in found[0]} for found in runs]


def seconds(command: Sequence[str], extra: Mapping[str, str] | None = None) -> float:
    """Return the duration of a whole process."""
    started = time.perf_counter()
    output(command, extra)
    return time.perf_counter() - started


def output(command: Sequence[str], extra: Mapping[str, str] | None = None) -> str:
    """Return the output of a process."""
    environ = os.environ | dict(extra or {})
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ, timeout=LIMIT_SECONDS)
    return done.stdout


def vaehub(*arguments: str) -> list[str]:
    """Return a command of vaehub in this environment."""
    return [str(Path(sys.executable).with_name("vaehub")), *arguments]


# Says what the process took itself: getrusage counts the peak of the parent, too, from which it was forked.
_TELLING = """
import os, sys
from vaehub.cli.main import main
try:
    main()
finally:
    sys.stdout.flush()
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    taken = os.times()
    print(taken.user + taken.system, peak * 1024 / 1e6, file=sys.stderr)
"""


def taken(*command: str) -> tuple[float, float, float]:
    """Return what a command of vaehub takes with one thread: seconds, seconds of processor time, and peak MB."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _TELLING, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=LIMIT_SECONDS,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    wall = time.perf_counter() - started
    processor, peak = map(float, done.stderr.splitlines()[-1].split())
    return wall, processor, peak
