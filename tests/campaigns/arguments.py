"""Any arguments end in an answer or a sentence: no traceback, and no exit code but those that there are."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from processes import commands
from typer.core import TyperGroup

from vaehub.cli.app import app

from .findings import Findings

BATCH = 50
"""Commands that one process carries out, one after the other, since a start takes longer than most of them."""
# Nothing here trains for long or fetches anything: names that begin work are left out.
WORDS = (
    *("", "0", "-1", "9" * 25, "1e999", "nan", "x", "é\n", "a" * 500, "train.epochs=", "=", "data.size=x", "[1", "{}"),
    *("select 1", "from results", "x.png", "x.csv", "x.toml", "/dev/null/x", ".", "json", "csv", "--", "\x1b[31m"),
)
VALUES = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)

Vector = tuple[str, ...]


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Carry so many command lines out, made by chance from the names of commands and options."""
    return answered(drawn(vectors(), n, seed), folder, found)


def drawn(strategy: st.SearchStrategy[Vector], n: int, seed: int) -> list[Vector]:
    """Return so many examples, each of them another one."""
    found: dict[Vector, None] = {}

    @seeded(seed)
    @settings(max_examples=2 * n, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(vector=strategy)
    def draw(vector: Vector) -> None:
        found[vector] = None

    draw()
    return list(found)[:n]


def answered(asked: Sequence[Vector], folder: Path, found: Findings | None = None) -> Findings:
    """Ask, and expect an answer to each; goes on where earlier findings end."""
    found = Findings() if found is None else found
    before = Path.cwd()
    os.chdir(folder)
    try:
        waiting = list(asked)[found.counts["command lines"] :]
        while waiting:
            batch = waiting[:BATCH]
            answers = commands(batch)
            for done in answers:
                found.expect_answer(done, repr(done.args)[:300])
                found.counts[f"exit code {done.returncode}"] += 1
            # The process that ended before its batch did was ended by the last one that it answers.
            waiting = waiting[len(answers) :]
            found.counts["command lines"] += len(answers)
            found.round_ends()
    finally:
        os.chdir(before)
    return found


def vectors() -> st.SearchStrategy[Vector]:
    """Return what makes command lines: a command, and then its options and what may be values, in any order."""
    known = [each for each in _names_of(typer.main.get_command(app)) if each[0]]

    @st.composite
    def vector(draw: Callable[..., tuple[Vector, list[str]]]) -> Vector:
        path, options = draw(st.sampled_from(known))
        rest = draw(st.lists((st.sampled_from(options) if options else VALUES) | VALUES, max_size=5))
        return tuple(itertools.chain(path, rest))

    return vector()


def _names_of(command: object, path: Vector = ()) -> Iterator[tuple[Vector, list[str]]]:
    yield path, [name for each in command.params for name in each.opts if name.startswith("-")]
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from _names_of(each, (*path, name))
