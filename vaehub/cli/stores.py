"""The commands about stores as such."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli.options import JsonOption
from vaehub.cli.standard_output import Command

store = typer.Typer(help="Stores as such.", no_args_is_help=True, rich_markup_mode=None)


@store.command(cls=Command)
def rescue(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Directory of the damaged store, which stays as it is.")
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Directory to make.")],
    as_json: JsonOption = False,
) -> None:
    """Copy what is whole of a store into a new one; the exit code is 1 if anything is lost."""
    from vaehub.cli import terminal
    from vaehub.hub import Hub

    found = Hub.open(source).store.rescue(Hub.open(target).store)
    if as_json:
        terminal.print_json({"copied": found.copied, "n_files": found.n_files, "losses": found.losses})
    else:
        console = terminal.out()
        rows = ", ".join(f"{name} {count}" for name, count in found.copied.items() if count)
        console.print(f"rows copied: {rows or 'none'}; files copied: {found.n_files}", markup=False)
        for loss in found.losses:
            console.print(loss, markup=False)
    if found.losses:
        raise typer.Exit(1)
