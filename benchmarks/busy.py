"""The main job on a machine that others use as well, and on an idle one, beside a build before.

The build before is a checkout named by ``--before`` or ``VAEHUB_BEFORE``. Both sides run in turn, beside the same load:
eight processes that do nothing but spin. What takes longer than a process may counts as just so long: the ratio is then
more than what is printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.answers import COMMAND, both_builds, installed
from benchmarks.measure import LIMIT_SECONDS, Options, Row, seconds

SPINNERS = 8
ROWS = (
    (False, 3, "main job, idle machine", "at most 5 % slower"),
    (True, 1, f"main job, beside {SPINNERS} processes that spin", "at least 8 times"),
)


def rows(options: Options) -> Iterator[Row]:
    """Measure our side, and the build before if there is one."""
    for is_busy, repeats, what, target in ROWS:
        with _spinning(SPINNERS if is_busy else 0):
            ours, theirs = both_builds(options, repeats, _side)
        before = None if theirs is None else theirs["seconds"]
        yield Row(what, ours["seconds"], before, "s", None if before is None else before / ours["seconds"], target)


def _side(checkout: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = {"PYTHONPATH": f"{checkout}:{installed(checkout, Path(folder))}", "PYTHONSAFEPATH": "1"}
        asked = ["run", "--model", "ard", "--metric", "relevance", "--store", f"{folder}/store"]
        try:
            return {"seconds": seconds([sys.executable, "-c", COMMAND, *asked], path)}
        except subprocess.TimeoutExpired:
            return {"seconds": LIMIT_SECONDS}


@contextmanager
def _spinning(n: int) -> Iterator[None]:
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for each in spinners:
            each.kill()
            each.wait()
