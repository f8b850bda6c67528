"""What messages advise can be done: the options and parameters that they name are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import typer

import vaehub
from vaehub.cli.app import app
from vaehub.core.recipe import TrainParams
from vaehub.registry.catalog import Catalog

ROOT = Path(vaehub.__file__).parent
COMMANDS = typer.main.get_command(app)
SCOPES = {"data": "dataset", "network": "network", "model": "model", "metric": "metric"}
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
SETTING = re.compile(r"-s (data|network|model|metric|train)\.([a-z_0-9]+)")
COMMAND = re.compile(r"'vaehub ([a-z][^']*)'")


def texts(path):
    """Return the messages in a file, with what is filled in left out, and where each is."""
    source = path.read_text()
    if not any(pattern.search(source) for pattern in (OPTION, SETTING, COMMAND)):
        return  # most files, and parsing them takes seconds
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    declared = {id(part) for node in ast.walk(tree) if is_declaration(node) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in parts or id(node) in declared:
            continue
        if isinstance(node, ast.JoinedStr):
            said = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield node.lineno, said
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def is_declaration(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Option"


def options_of(command):
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


def commands(command, path=()):
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


ALL = dict(commands(COMMANDS))
# Options there are those of engines.
OTHERS = ROOT / "plugins" / "executors"
EVERY = sorted(
    (path, line, said) for path in ROOT.rglob("*.py") if OTHERS not in path.parents for line, said in texts(path)
)


@cache
def parameters(scope, folder):
    """Return the parameters that a message in a folder may name: of what lies there, if it has any of this scope."""
    if scope == "train":
        return set(TrainParams.model_fields)
    found, near = set(), set()
    for each in Catalog().entries(SCOPES[scope]):
        names = set(each.load_params().model_fields)
        found |= names
        near |= names if each.entry.target.startswith(f"{folder}.") else set()
    return near or found


def places(pattern):
    return [
        pytest.param(*match.groups(), path, said, id=f"{path.relative_to(ROOT)}:{line}: {match[0]}")
        for path, line, said in EVERY
        for match in pattern.finditer(said)
    ]


@pytest.mark.parametrize(("name", "path", "said"), places(OPTION))
def test_options_that_are_named_are_there(name, path, said):
    assert name == "help" or any(f"--{name}" in options_of(each) for each in ALL.values()), (path, said)


@pytest.mark.parametrize(("line", "path", "said"), places(COMMAND))
def test_commands_that_are_named_have_the_options_that_are_named_with_them(line, path, said):
    words = [word for word in line.split() if word not in ("…", "...")]
    command = tuple(words[: max(n for n in range(len(words) + 1) if tuple(words[:n]) in ALL)])
    assert command, f"there is no command {line!r} ({path}): {said}"
    assert {f"--{name}" for name in OPTION.findall(line)} <= options_of(ALL[command]), (path, said)


@pytest.mark.parametrize(("scope", "name", "path", "said"), places(SETTING))
def test_parameters_that_are_named_are_there(scope, name, path, said):
    folder = ".".join(("vaehub", *path.relative_to(ROOT).parent.parts))
    assert name in parameters(scope, folder), (path, said)


def test_there_is_something_to_look_at():
    assert len(places(OPTION)) > 30
    assert len(places(SETTING)) > 80
    assert len(places(COMMAND)) > 5
