"""A crowd at one store: 32 writers and 4 readers, each commit and query an opening of its own, beside a build before.

The build before is a checkout named by ``--before`` or ``VAEHUB_BEFORE``. Both sides run the same script, in turn.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.answers import both_builds, installed
from benchmarks.measure import HERE, Options, Row, output

REPEATS = 1
ROWS = (
    ("commits", "32 writers, 4 readers: commits", "1/s", "at least 8 times"),
    ("p95", "32 writers, 4 readers: 95 % of waits", "s", "under 5 s"),
    ("longest", "32 writers, 4 readers: longest wait", "s", ""),
    ("fewest", "32 writers, 4 readers: turns of the one that had fewest", "", ""),
    ("failed", "32 writers, 4 readers: gave up", "", "0"),
)


def rows(options: Options) -> Iterator[Row]:
    """Measure our side, and the build before if there is one."""
    ours, theirs = both_builds(options, REPEATS, _side)
    for name, what, unit, target in ROWS:
        before = None if theirs is None else theirs[name]
        ratio = ours[name] / before if name == "commits" and before else None
        yield Row(what, ours[name], before, unit, ratio, target)


def _side(checkout: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = {"PYTHONPATH": f"{checkout}:{installed(checkout, Path(folder))}", "PYTHONSAFEPATH": "1"}
        printed = output([sys.executable, str(HERE / "peers" / "vaehub_turns.py")], path)
    return {name: float(value) for name, value in json.loads(printed.splitlines()[-1]).items()}
