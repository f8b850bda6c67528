"""The command that writes a page of what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import JsonOption, StoreOption


def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY | ID...]",
            help="A study, or ids of records; else the whole store.",
            autocompletion=completion.studies_and_ids,
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option("--sql", metavar="QUERY", help="What a query finds: a column measurement or training."),
    ] = None,
    scale: Annotated[
        str | None, typer.Option("--scale", help="Of the study.", show_default="quick, or its first")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("report.html"),
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained page: tables, pictures, published values, and what makes them again."""
    from dataclasses import asdict

    from vaehub.cli import terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub
    from vaehub.report import write_report
    from vaehub.report.drawing import start_from_one

    start_from_one()
    with progress():
        found = write_report(Hub.open(store, device="cpu"), names or (), path=output, query=query, scale=scale)
    if as_json:
        terminal.print_json(asdict(found) | {"path": str(found.path)})
    else:
        counts = f"{found.n_trainings:,} trainings, {found.n_measurements:,} measurements, {found.n_failed:,} failed"
        terminal.echo(f"{found.path}: {counts}, {found.n_pictures:,} pictures, {found.n_bytes / 1e6:.1f} MB")
