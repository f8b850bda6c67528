"""The notebooks of docs/tutorials: run, stripped of what varies, compared; ``python -m tests.tutorials`` renders them.

A cell with the tag ``varies`` may give other numbers on another machine: of kinds of processors, the gap of a relevance
differs by 4 % and a deviation over three seeds by 10 %. Its words are compared, and of all else numbers too. Times and
ids are left out, as are the bytes of pictures.
"""

import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent.parent / "docs" / "tutorials"
TUTORIALS = sorted(FOLDER.glob("*.ipynb"))
PATIENCE = 600
"""Seconds of one cell, on a machine that does much else."""
TOLERANCE = 0.02
"""Relative difference of two numbers that are not whole: processors round differently, and training builds on it."""
TIME = re.compile(r"\b\d+(\.\d+)? (s|min)\b")
ID = re.compile(r"\b[0-9a-f]{8}\b")
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")
PICTURE = re.compile(r'src="data:image/png;base64,[^"]*"')


def run(path: Path, folder: Path) -> NotebookNode:
    """Return a notebook with what it gives from top to bottom, in a fresh kernel and an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("VAEHUB_STORE", None)
    client = NotebookClient(
        notebook, timeout=PATIENCE, record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in map(stripped, cell.outputs) if each is not None]
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook


def stripped(output: NotebookNode) -> NotebookNode | None:
    """Return an output without times; nothing of a bar that is gone."""
    if output.output_type == "display_data" and not output.data.get("text/html", "-"):
        return None
    for kind, text in output.get("data", {}).items():
        if kind.startswith("text/"):
            output.data[kind] = TIME.sub("… s", text)
    return output


def differences(stored: NotebookNode, given: NotebookNode) -> Iterator[str]:
    """Yield where what a notebook gives is not what is stored in it."""
    for number, (one, other) in enumerate(zip(stored.cells, given.cells, strict=True)):
        if one.cell_type != "code":
            continue
        before, after = (list(map(text, filter(_is_answer, cell.outputs))) for cell in (one, other))
        if len(before) != len(after):
            yield f"cell {number} gives {len(after)} outputs, and {len(before)} are stored: {after}"
        same = words_agree if "varies" in one.metadata.get("tags", ()) else agree
        for old, new in zip(before, after, strict=False):
            if not same(old, new):
                yield f"cell {number} gives\n{new}\nand stored is\n{old}"


def _is_answer(output: NotebookNode) -> bool:
    """Return whether an output is no notice, which worker processes write by themselves: it may come too late."""
    return bool(output.get("name") != "stderr")


def text(output: NotebookNode) -> str:
    """Return what can be read of an output."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "\n".join(output.traceback)
    data: dict[str, Any] = output.data
    words = re.sub(r"<[^>]+>", " ", PICTURE.sub("picture", data.get("text/html", "")))
    return f"{sorted(data)}\n{data.get('text/plain', '')}\n{unescape(words)}"


def agree(stored: str, given: str) -> bool:
    """Return whether two texts have the same words and whole numbers, and nearly the same other numbers."""
    one, other = (ID.sub("id", each).split() for each in (stored, given))
    return len(one) == len(other) and all(map(_agrees, one, other))


def words_agree(stored: str, given: str) -> bool:
    """Return whether two texts have the same words, and numbers in the same places."""
    one, other = (NUMBER.sub("0", ID.sub("id", each)).split() for each in (stored, given))
    return one == other


def _agrees(stored: str, given: str) -> bool:
    if NUMBER.sub("0", stored) != NUMBER.sub("0", given):
        return False
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(given), strict=True)
    return all(
        one == other
        or ("." in one + other and math.isclose(_number(one), _number(other), rel_tol=TOLERANCE, abs_tol=1e-3))
        for one, other in pairs
    )


def _number(digits: str) -> float:
    return float(digits.replace(",", ""))


def render(names: list[str]) -> None:
    """Run some notebooks, or all, and store what they give."""
    for path in TUTORIALS:
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(path, Path(folder))
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    render(sys.argv[1:])
