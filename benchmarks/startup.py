"""Start-up of light commands, with a plugin installed that imports heavy libraries when used.

The result is what a command takes beyond the bare interpreter, by the clock and in processor time: medians in one run.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Options, Row, in_turn, output, seconds, vaehub

REPEATS = 15

MANIFEST = """
from vaehub.registry import Model, hookimpl

@hookimpl
def vaehub_catalog():
    return [Model("heavy", "heavy_model:Heavy", "imports everything")]
"""
MODEL = "import torch, scipy, sklearn\n"


def rows(_: Options) -> Iterator[Row]:
    """Measure ``--help`` and ``list`` against an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = {"PYTHONPATH": _installed(Path(folder))}
        listed = json.loads(output(vaehub("plugin", "list", "--json"), path))
        if "heavy" not in {each["name"] for each in listed}:
            raise RuntimeError("the heavy plugin was not found")
        commands = {each: vaehub(*each.split()) for each in ("--help", "list", "list metric")}
        bare, *found = in_turn(
            REPEATS,
            lambda: _taken([sys.executable, "-c", "pass"], path),
            *(lambda command=command: _taken(command, path) for command in commands.values()),
        )
    for name, times in zip(commands, found, strict=True):
        for clock, words in (("wall", "beyond python"), ("processor", "processor time beyond python")):
            target = "under 0.2 s" if clock == "wall" and name != "list metric" else ""
            yield Row(
                f"vaehub {name}, {len(listed)} plugins, {words}", times[clock] - bare[clock], None, "s", None, target
            )


def _taken(command: list[str], extra: dict[str, str]) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(command, extra)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": wall, "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def _installed(folder: Path) -> str:
    (folder / "heavy_plugin.py").write_text(MANIFEST)
    (folder / "heavy_model.py").write_text(MODEL)
    info = folder / "heavy_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vaehub]\nheavy = heavy_plugin\n")
    return str(folder)
