"""The commands about studies."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import (
    BudgetOption,
    DevicesOption,
    JobsOption,
    JsonOption,
    StoreOption,
    TimeLeft,
    TrackerOption,
    parse_settings,
)
from vaehub.core.errors import VaehubError

study = typer.Typer(
    help="Studies: grids of recipes and metrics, and their tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Study, or a path to a TOML file.", autocompletion=completion.names_of("study")
    ),
]
ScaleOption = Annotated[
    str | None,
    typer.Option("--scale", help="How much of it, such as quick or paper.", show_default="quick, or its first"),
]


class TableFormat(StrEnum):
    """How a report is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class PictureForm(StrEnum):
    """How a picture is written."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


@study.command(name="list")
def list_(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List studies, those of installed plugins and those that the store was asked for."""
    from vaehub.cli import studies, terminal
    from vaehub.hub import Hub

    hub = Hub.open(store)
    found, asked = list(hub.catalog.entries("study")), hub.studies()
    if as_json:
        terminal.print_json(studies.listed_as_json(found, asked))
    else:
        studies.listed(found, asked)


@study.command()
def run(
    name: NameArgument,
    scale: ScaleOption = None,
    jobs: JobsOption = None,
    budget: BudgetOption = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            help="Where the work is done: local, or one of 'vaehub list executor'.",
            autocompletion=completion.names_of("executor"),
        ),
    ] = "local",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="executor.NAME=VALUE", help="Parameter of the executor."),
    ] = None,
    device: DevicesOption = "auto",
    _trackers: TrackerOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a study: make whatever the store lacks; run it again to continue."""
    from vaehub.cli import studies, terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub

    time_left = TimeLeft(budget)
    parsed = parse_settings(settings or [])
    found = Hub.open(store, device=device).study(name)
    with progress():
        state = found.run(scale, jobs=jobs, budget=time_left.seconds, executor=executor, settings=parsed)
    if as_json:
        terminal.print_json(studies.state_as_json(state))
    else:
        studies.state(state)
        terminal.hint(f"next: vaehub study report {name} --scale {state.scale}")
    if state.failed:
        raise typer.Exit(1)


@study.command()
def status(
    name: NameArgument, scale: ScaleOption = None, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Show how far a study is, and what failed."""
    from vaehub.cli import studies, terminal
    from vaehub.hub import Hub

    state = Hub.open(store).study(name).state(scale)
    if as_json:
        terminal.print_json(studies.state_as_json(state))
    else:
        studies.state(state)


@study.command(hidden=True)
def work(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Jobs that were laid down.")]) -> None:
    """Do jobs that a run has laid down; executors such as SLURM's start this on workers."""
    from vaehub.hub.study.job_work import work_all

    work_all(files)


@study.command()
def report(
    name: NameArgument,
    table: Annotated[str | None, typer.Option("--table", "-t", help="Only this one of its tables.")] = None,
    scale: ScaleOption = None,
    format_: Annotated[TableFormat, typer.Option("--format", "-f", help="How to write it.")] = TableFormat.table,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", metavar="FOLDER", help="Draw tables and analyses into this folder.")
    ] = None,
    picture_format: Annotated[
        PictureForm | None, typer.Option("--picture-format", help="How to write pictures; png by default.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the tables of a study, with the published values beside ours, and draw them and its analyses."""
    from vaehub.cli import studies
    from vaehub.hub import Hub

    asked = Hub.open(store).study(name)
    if pictures is None and picture_format is not None:
        raise VaehubError("--picture-format is of pictures, and none were asked for; give --pictures FOLDER, too")
    form = PictureForm.png if picture_format is None else picture_format
    if pictures is not None:
        from vaehub.hub.study.pictures import check_folder

        asked.definition.at(scale)  # refused before a folder is made
        check_folder(pictures, form.value)
    found = asked.report(table, scale)
    drawn = None if pictures is None else asked.pictures(pictures, scale, format=form.value, tables=found)
    studies.reports(found, "json" if as_json else format_.value, drawn)
