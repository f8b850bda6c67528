"""One-line faults, each against the tests of its own module: which survive? Run by hand, in a copy of the project.

    python -m tests.mutants --n 60 --seed 1

Not collected by pytest. A survivor deserves a test, or a reason why nobody could notice.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("plugins", "hub", "store", "analysis")
COPIED = ("vaehub", "tests", "docs", "README.md", "pyproject.toml", "constraints.txt", "CHANGELOG.md")
OTHER = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.And: "or",
    ast.Or: "and",
}


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        path: File below the project.
        line: Where, counted from 1.
        before: Source of the expression.
        after: Source that takes its place.
        start: Offset of the expression in the file, in characters.
    """

    path: Path
    line: int
    before: str
    after: str
    start: int

    def source(self, root: Path) -> str:
        """Return the file with the fault in it."""
        text = (root / self.path).read_text()
        return text[: self.start] + self.after + text[self.start + len(self.before) :]


def mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    """Yield every fault that can be made in a file, outside of docstrings and annotations."""
    text = (root / path).read_text()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(text)):
        for target, after in _faults(node, text):
            before = ast.get_source_segment(text, target)
            # Columns are counted in bytes; lines with other letters than ASCII are left alone.
            if before is None or "\n" in before or not text.splitlines()[target.lineno - 1].isascii():
                continue
            yield Mutant(path, target.lineno, before, after, starts[target.lineno - 1] + target.col_offset)


def _faults(node: ast.AST, text: str) -> Iterator[tuple[ast.expr, str]]:
    source = lambda part: ast.get_source_segment(text, part)  # noqa: E731
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OTHER:
            yield node, f"({source(left)} {OTHER[type(op)]} {source(right)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHER:
            yield node, f"({source(left)} {OTHER[type(op)]} {source(right)})"
        case ast.BoolOp(op=op, values=values):
            yield node, "(" + f" {OTHER[type(op)]} ".join(str(source(each)) for each in values) + ")"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"bool({source(operand)})"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield node, f"({source(orelse)} if {source(test)} else {source(body)})"
        case ast.Call(func=func, args=args, keywords=keywords) if keywords and keywords[0].arg:
            left = [str(source(each)) for each in args]
            left += [f"{each.arg}={source(each.value)}" for each in keywords[1:] if each.arg]
            yield node, f"{source(func)}({', '.join(left)})"
        case ast.Attribute(value=ast.Attribute(attr="params"), attr=name):
            yield node, f"type(self.params).model_construct().{name}"  # an option that is ignored


def tests_for(root: Path, path: Path) -> list[str]:
    """Return the tests of a module: those of its folder."""
    room, *rest = path.parts[1:-1]
    folder = Path("tests", room, *rest)
    while not (root / folder).is_dir():
        folder = folder.parent
    return [str(folder)]


def survives(root: Path, mutant: Mutant, *, seconds: float) -> bool:
    """Say whether all tests of the module pass with the fault in place."""
    target, original = root / mutant.path, (root / mutant.path).read_text()
    target.write_text(mutant.source(root))
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        ran = subprocess.run(
            [*command, *tests_for(root, mutant.path)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False  # a fault that hangs is noticed
    finally:
        target.write_text(original)
    return ran.returncode == 0


def main() -> None:
    """Make faults at random, and print those that no test notices."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=60, help="faults")
    options.add_argument("--seed", type=int, default=0, help="decides which")
    options.add_argument("--rooms", nargs="*", default=ROOMS, help="folders of the package, such as plugins/ard")
    options.add_argument("--seconds", type=float, default=600, help="limit for the tests of one fault")
    asked = options.parse_args()
    project = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (project / name).is_dir() else shutil.copy
            copy(project / name, root / name)
        files = [
            path.relative_to(root)
            for room in asked.rooms
            for path in sorted((root / "vaehub" / room).rglob("*.py"))
            if path.name not in ("__init__.py", "params.py")
        ]
        pool = [mutant for path in files for mutant in mutants_of(root, path)]
        chosen = random.Random(asked.seed).sample(pool, min(asked.n, len(pool)))
        survivors = 0
        for number, mutant in enumerate(chosen, 1):
            clock = time.monotonic()
            alive = survives(root, mutant, seconds=asked.seconds)
            survivors += alive
            word = "SURVIVES" if alive else "killed"
            took = f"{time.monotonic() - clock:.0f} s"
            print(
                f"{number:3} {word:8} {mutant.path}:{mutant.line}: {mutant.before}  ->  {mutant.after}  ({took})",
                flush=True,
            )
        print(f"{survivors} of {len(chosen)} survive")


if __name__ == "__main__":
    main()
