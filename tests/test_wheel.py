"""The wheel: what is installed, and nothing beside it."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
MOST = 1_250_000
"""Bytes of the wheel; docs/dependencies.md says what they are."""
KINDS = {".py", ".pyi", ".typed", ".toml", ".csv", ".bib", ".j2", ".html", ".css", ".js"}
"""Modules, what lazy imports read, studies and published values, templates, and the page to hand on."""


@pytest.mark.slow
def test_a_wheel_is_small_and_holds_only_what_runs(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=200)
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < MOST
    with ZipFile(wheel) as archive:
        members = [each for each in archive.infolist() if ".dist-info/" not in each.filename]
    assert {Path(each.filename).parts[0] for each in members} == {"vaehub"}
    kinds: Counter[str] = Counter()
    for each in members:
        kinds[Path(each.filename).suffix] += each.compress_size
    assert kinds.keys() == KINDS
    assert kinds[".py"] > 0.9 * kinds.total()
    # A table that grows is written more densely, or stays outside.
    assert max(each.compress_size for each in members if not each.filename.endswith(".py")) < 10_000
