"""Options that are not given: the same for a command as Typer's own, and nothing is loaded for them."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from vaehub.cli.standard_output import Command
from vaehub.cli.unset_options import Group

ARGUMENTS = [
    ["do", "name"],
    [
        "do",
        "name",
        "3",
        "--path",
        "x",
        "--several",
        "a",
        "--several",
        "b",
        "--pair",
        "1",
        "2",
        "--seen",
        "--heard",
        "y",
    ],
    ["do"],
    ["do", "name", "three"],
    ["--early", "z", "do", "name"],
]


def outcome(arguments, group, command, monkeypatch):
    """Return what a command is called with, what callbacks hear, and the exit code."""
    called = []

    def heard(value: str | None) -> str | None:
        called.append(("heard", value))
        return "nothing" if value is None else value

    app = typer.Typer(cls=group, rich_markup_mode=None)

    @app.callback()
    def settings(early: Annotated[str | None, typer.Option(callback=heard)] = None) -> None:
        called.append(("early", early))

    @app.command(cls=command)
    def do(
        name: str,
        number: Annotated[int | None, typer.Argument()] = None,
        path: Annotated[Path | None, typer.Option()] = None,
        several: Annotated[list[str] | None, typer.Option()] = None,
        pair: Annotated[tuple[int, int] | None, typer.Option()] = None,
        seen: Annotated[bool | None, typer.Option("--seen")] = None,
        heard: Annotated[str | None, typer.Option(callback=heard)] = None,
        usual: Annotated[float, typer.Option(envvar="UNSET_USUAL")] = 0.5,
    ) -> None:
        called.append((name, number, path, several, pair, seen, heard, usual))

    monkeypatch.setattr("vaehub.cli.standard_output.reserve", lambda: None)  # the runner has standard output
    found = CliRunner().invoke(app, arguments)
    return called, found.exit_code, found.output


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_command_gets_what_it_would_get_from_typer(arguments, monkeypatch):
    ours = outcome(arguments, Group, Command, monkeypatch)
    assert ours == outcome(arguments, typer.core.TyperGroup, typer.core.TyperCommand, monkeypatch)
    assert ours[0]
