"""The commands about stores as such."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import JsonOption, StoreOption
from vaehub.cli.standard_output import Command

if TYPE_CHECKING:
    from vaehub.store.merge import Merged
    from vaehub.store.prune import Pruned

SHOWN = 20
"""Conflicts or records that are listed; '--json' has all."""

store = typer.Typer(help="Merge, prune, export and rescue stores.", no_args_is_help=True, rich_markup_mode=None)


@store.command(cls=Command)
def merge(
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Directories of stores, which stay as they are.")
    ],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy what other stores have and this one lacks.

    Where the same record has other values there, this store keeps its own, and the exit code is 1.
    """
    from dataclasses import asdict

    from vaehub.cli import terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub

    with progress():
        found = Hub.open(store).store.merge(*others)
    if as_json:
        terminal.print_json([asdict(each) for each in found])
    else:
        for each in found:
            _print_merged(each)
    if any(each.conflicts or each.n_withheld for each in found):
        raise typer.Exit(1)


@store.command(cls=Command)
def prune(
    records: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Ids of records, or the beginnings of ids.", autocompletion=completion.ids
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    study: Annotated[str | None, typer.Option("--study", help="Only what this study alone asks for.")] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="Of the study, only this scale.")] = None,
    before: Annotated[
        datetime | None, typer.Option("--before", metavar="DATE", help="Only what began earlier, in UTC: 2026-11-29.")
    ] = None,
    weights: Annotated[bool, typer.Option("--weights", help="Of trainings, only the weights.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, it is only listed.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove records or weights; list them first.

    What is removed are the records for which all that is given holds, except those that others need.
    """
    from dataclasses import asdict

    from vaehub.cli import terminal
    from vaehub.hub import Hub
    from vaehub.store.prune import Selection

    chosen = Selection(records or (), failed, study, scale, before, weights)
    found = Hub.open(store).store.prune(chosen, dry=not yes)
    if as_json:
        terminal.print_json(asdict(found))
    else:
        _print_pruned(found, weights=weights)


@store.command(cls=Command)
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write tables as a dataset to share.

    The folder has all tables in Parquet, a dataset card with the meaning of each column, and BibTeX of the methods.
    """
    from dataclasses import asdict

    from vaehub.cli import terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub

    with progress():
        found = Hub.open(store).export_tables(folder)
    if as_json:
        terminal.print_json(asdict(found) | {"path": str(found.path)})
        return
    for name, n in found.rows.items():
        terminal.echo(f"{found.path}/data/{name}.parquet: {n:,} rows")
    terminal.echo(f"{found.path}/README.md: the meaning of each column")
    if found.references:
        terminal.echo(f"{found.path}/references.bib: {len(found.references)} references")
    if found.without_reference:
        terminal.echo(f"without BibTeX: {'; '.join(found.without_reference)}")


@store.command(cls=Command)
def rescue(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Directory of the damaged store, which stays as it is.")
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Directory to make.")],
    as_json: JsonOption = False,
) -> None:
    """Copy what is whole of a damaged store.

    It goes into a new store; the exit code is 1 if anything is lost.
    """
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


def _print_merged(found: "Merged") -> None:
    from vaehub.cli import terminal

    rows = ", ".join(f"{name} {count:,}" for name, count in found.added.items())
    files = f"; files copied: {found.n_files:,}" if found.n_files else ""
    terminal.echo(f"{found.source}: " + (f"rows added: {rows}{files}" if rows else "nothing new"))
    _print_some([f"differs, and stays as it is here: {each}" for each in found.conflicts])
    if found.n_withheld:
        terminal.echo(f"not copied: {found.n_withheld:,} measurements of trainings that differ")


def _print_pruned(found: "Pruned", *, weights: bool) -> None:
    from vaehub.cli import terminal

    kind = "weights of training" if weights else "training"
    _print_some([f"{kind} {each}" for each in found.trainings] + [f"measurement {each}" for each in found.measurements])
    what = "trainings' weights" if weights else "trainings"
    counts = f"{len(found.trainings):,} {what}, {len(found.measurements):,} measurements"
    size = f"{len(found.files):,} files of {found.n_bytes / 1e6:,.1f} MB"
    if found.is_done:
        terminal.echo(f"removed: {counts}, {size}")
    else:
        terminal.echo(f"would go: {counts}, {size}; '--yes' removes them")
    if found.kept:
        terminal.echo(f"stays: {len(found.kept):,} trainings that other records need")


def _print_some(lines: list[str]) -> None:
    from vaehub.cli import terminal

    for line in lines[:SHOWN]:
        terminal.echo(line)
    if len(lines) > SHOWN:
        terminal.echo(f"... and {len(lines) - SHOWN:,} more; '--json' gives all")
