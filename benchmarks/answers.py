"""What is known already: openings of the database, models made and processor time, beside a build before.

The build before is a checkout named by ``--before`` or ``VAEHUB_BEFORE``; without one there are only limits. Both sides
run the same script, in turn, each in fresh processes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import HERE, Options, Row, in_turn, output

REPEATS = 3
COMMAND = "from vaehub.cli.main import main; main()"
ROWS = (
    ("six_openings", "six stored measurements: openings", "", "1"),
    ("six_seconds", "six stored measurements: processor time", "s", "at least 15 times"),
    ("again", "main job, asked again", "s", "under 0.5 s"),
    ("fresh_built", "two seeds, three metrics: models built", "", "2"),
    ("fresh_restored", "two seeds, three metrics: trainings restored", "", "0"),
    ("pair_restored", "a CKA of two stored trainings: restored", "", "2"),
    ("many_restored", "five by five stored seeds: restored", "", "at most 10"),
)


def both_builds(
    options: Options, repeats: int, side: Callable[[Path], dict[str, float]]
) -> tuple[dict[str, float], dict[str, float] | None]:
    """Return the figures of this checkout, and of the build before if there is one, measured in turn."""
    sides = [HERE.parent] + ([options.before] if options.before else [])
    found = in_turn(repeats, *(partial(side, each.absolute()) for each in sides))
    return found[0], found[1] if len(found) > 1 else None


def rows(options: Options) -> Iterator[Row]:
    """Measure our side, and the build before if there is one."""
    ours, theirs = both_builds(options, REPEATS, _side)
    for name, what, unit, target in ROWS:
        before = None if theirs is None else theirs[name]
        ratio = before / ours[name] if before is not None and ours[name] else None
        yield Row(what, ours[name], before, unit, ratio, target)


def _side(checkout: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        # The current folder must not come before the checkout.
        path = {"PYTHONPATH": f"{checkout}:{installed(checkout, Path(folder))}", "PYTHONSAFEPATH": "1"}
        script = HERE / "peers" / "vaehub_answers.py"
        printed = output([sys.executable, str(script)], path)
        figures = {name: float(value) for name, value in json.loads(printed).items()}
        store = f"{folder}/store"
        asked = ["run", "--model", "ard", "--metric", "relevance", "--set", "train.epochs=1", "--store", store]
        command = [sys.executable, "-c", COMMAND, *asked]
        output(command, path)
        started = time.perf_counter()
        output(command, path)
        figures["again"] = time.perf_counter() - started
    return figures


def installed(checkout: Path, folder: Path) -> Path:
    """Return a folder with the metadata of an installed checkout: builds differ in where their plugins are."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"{name} = {module}" for name, module in project["entry-points"]["vaehub"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[vaehub]", *points, ""]))
    return folder
