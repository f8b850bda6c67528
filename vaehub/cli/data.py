"""The commands about data."""

from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import JsonOption, parse_settings
from vaehub.core.errors import VaehubError

data = typer.Typer(help="Datasets: their origin and content.", no_args_is_help=True, rich_markup_mode=None)

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Dataset, or a path to your own.", autocompletion=completion.names_of("dataset")
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="Parameter of the dataset, such as size=64."),
]


@data.command(name="list")
def list_(
    root: Annotated[Path | None, typer.Option("--root", help="Folder of files, looked at first.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List datasets, and whether they are here."""
    from vaehub.cli import holdings as shown
    from vaehub.cli import terminal
    from vaehub.registry.catalog import Catalog
    from vaehub.registry.holdings import holdings

    found = holdings(Catalog(), root)
    if as_json:
        terminal.print_json([shown.as_json(each) for each in found])
    else:
        shown.overview(found)


@data.command()
def info(
    name: NameArgument,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Save a sheet of samples; its ending decides the format."),
    ] = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a dataset is, its files and checksums, and, if it is here, what is in it."""
    from vaehub.cli import holdings as shown
    from vaehub.cli import terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub
    from vaehub.hub.whole_file import whole_file

    if sheet is not None:
        _check_sheet(sheet)
    hub, settings = Hub.open(), _settings(assignments)
    found = hub.holding(name, settings)
    figures = picture = None
    # Looking at data must not start a download of gigabytes; asking for a sheet of them may.
    if sheet is not None or found.is_at_hand or found.state == "your own":
        from vaehub.hub.previews import figures as figures_of

        with progress():
            loaded = hub.data(name, settings)
            figures = figures_of(loaded)
            picture = hub.sheet(loaded) if sheet is not None or _is_pictorial(loaded.spec.shape) else None
    if sheet is not None and picture is not None:
        with whole_file(sheet, "the sheet") as place:
            picture.save(place)
    if as_json:
        terminal.print_json(shown.as_json(found) | shown.figures_as_json(figures) | {"sheet": sheet and str(sheet)})
        return
    shown.details(found, figures)
    if sheet is not None:
        terminal.echo(sheet)
    elif picture is not None:
        shown.preview(picture)


@data.command()
def fetch(name: NameArgument, assignments: SetOption = None, as_json: JsonOption = False) -> None:
    """Download what is missing of a dataset, check it, and make it ready."""
    from vaehub.cli import holdings as shown
    from vaehub.cli import terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub

    hub, settings = Hub.open(), _settings(assignments)
    with progress():
        hub.data(name, settings)
    found = hub.holding(name, settings)
    if as_json:
        terminal.print_json(shown.as_json(found))
    else:
        shown.whereabouts(found)


def _check_sheet(path: Path) -> None:
    """Refuse a file that no picture can be written to, before data are loaded or fetched.

    Raises:
        VaehubError: If its ending names no format of pictures, or nothing can be written there.
    """
    from PIL import Image

    from vaehub.hub.whole_file import can_be_written

    endings = Image.registered_extensions()
    if endings.get(path.suffix.lower()) not in Image.SAVE:
        raise VaehubError(
            f"the sheet cannot be written to {str(path)!r}: its name should end with one of .png, .jpg, .webp, .tiff"
        )
    can_be_written(path, "the sheet")


def _settings(assignments: list[str] | None) -> dict[str, object]:
    # The scope goes without saying here, and may be said.
    return {key.removeprefix("data."): value for key, value in parse_settings(assignments or []).items()}


def _is_pictorial(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3)
