"""Commands that pages show, as the command line understands them."""

import shlex

from typer.main import get_command

from vaehub.cli.app import app


def parsed(command):
    """Return the name of a command and its options."""
    name, *words = shlex.split(command, comments=True)
    assert name == "vaehub"
    found, context = get_command(app), None
    names = []
    while hasattr(found, "commands"):
        names.append(words.pop(0))
        found = found.commands[names[-1]]
    context = found.make_context(" ".join(names), list(words))
    return " ".join(names), context.params
