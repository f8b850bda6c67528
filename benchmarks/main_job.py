"""The main job on the embedded data: cold in a fresh process, and repeated."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator

from benchmarks.measure import Options, Row, in_turn, output, vaehub

REPEATS = 3


def rows(_: Options) -> Iterator[Row]:
    """Measure both runs; there is no peer, only a limit."""
    [found] = in_turn(REPEATS, _cold_and_again)
    yield Row("main job, cold", found["cold"], None, "s", None, "under 20 s")
    yield Row("main job, repeated", found["again"], None, "s", None, "under 0.5 s")


def _cold_and_again() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as store:
        figures = {}
        for name, reused in (("cold", False), ("again", True)):
            command = vaehub("run", "--model", "ard", "--metric", "relevance", "--store", store, "--json")
            started = time.perf_counter()
            answer = output(command)
            figures[name] = time.perf_counter() - started
            if json.loads(answer)[0]["reused"] is not reused:
                raise RuntimeError(f"the {name} run should have been {'reused' if reused else 'trained'}")
        return figures
