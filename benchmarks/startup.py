"""Start-up of light commands, with a plugin installed that imports heavy libraries when used.

The result is the time of a command beyond the bare interpreter, in one run.
"""

from __future__ import annotations

import json
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
        commands = {"bare": [sys.executable, "-c", "pass"], "help": vaehub("--help"), "list": vaehub("list")}
        sides = [lambda command=command: {"s": seconds(command, path)} for command in commands.values()]
        found = dict(zip(commands, in_turn(REPEATS, *sides), strict=True))
    for name, shown in (("help", "vaehub --help"), ("list", "vaehub list")):
        beyond = found[name]["s"] - found["bare"]["s"]
        yield Row(f"{shown}, beyond python", beyond, None, "s", None, "under 0.2 s")


def _installed(folder: Path) -> str:
    (folder / "heavy_plugin.py").write_text(MANIFEST)
    (folder / "heavy_model.py").write_text(MODEL)
    info = folder / "heavy_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vaehub]\nheavy = heavy_plugin\n")
    return str(folder)
