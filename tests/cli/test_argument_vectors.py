"""Any arguments end in an answer or a sentence: no traceback, and no exit code but those that there are."""

import os

import pytest
import typer
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from vaehub.cli.app import app

pytestmark = pytest.mark.slow
# More by hand.
N = int(os.environ.get("VAEHUB_ARGUMENT_VECTORS", "60"))


def names_of(command, path=()):
    yield path, [name for each in command.params for name in each.opts if name.startswith("-")]
    for name, each in getattr(command, "commands", {}).items():
        yield from names_of(each, (*path, name))


COMMANDS = [each for each in names_of(typer.main.get_command(app)) if each[0]]
# Nothing here trains for long or fetches anything: names that begin work are left out.
VALUES = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "9" * 25,
        "1e999",
        "nan",
        "x",
        "é\n",
        "a" * 500,
        "train.epochs=",
        "=",
        "data.size=x",
        "[1",
        "{}",
        "select 1",
        "from results",
        "x.png",
        "x.csv",
        "/dev/null/x",
        ".",
        "json",
        "csv",
    ]
) | st.text(st.characters(exclude_characters="\0"), max_size=20)


@st.composite
def vectors(draw):
    path, options = draw(st.sampled_from(COMMANDS))
    rest = draw(st.lists((st.sampled_from(options) if options else VALUES) | VALUES, max_size=5))
    return [*path, *rest]


@seed(20261128)
@settings(max_examples=N, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(arguments=vectors())
def test_any_arguments_are_answered(vaehub, arguments):
    done = vaehub(*arguments)
    assert done.returncode in (0, 1, 2), (arguments, done.stderr)
    assert "Traceback" not in done.stderr, (arguments, done.stderr)
