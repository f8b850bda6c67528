"""Commands about plugins: what is installed, whether it keeps its promises, and how to begin one."""

from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli.options import JsonOption

plugin = typer.Typer(help="List, check and begin plugins.", no_args_is_help=True, rich_markup_mode=None)


@plugin.command(name="list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List installed plugins and what they contribute."""
    from vaehub.cli import tables, terminal
    from vaehub.registry.catalog import Catalog

    found = Catalog()
    if as_json:
        terminal.print_json(
            [
                {
                    "name": each.name,
                    "distribution": each.distribution,
                    "version": each.version,
                    "contributes": [f"{entry.kind} {entry.name}" for entry in each.entries],
                    "failure": each.failure,
                }
                for each in found.plugins
            ]
        )
    else:
        tables.plugins(found, details=context.obj["debug"])


@plugin.command()
def check(
    name: Annotated[str, typer.Argument(help="Name of an installed plugin, or of its distribution.")],
    as_json: JsonOption = False,
) -> None:
    """Check that an installed plugin keeps what plugins promise, on small data; exit code 1 if it does not."""
    from dataclasses import asdict

    from vaehub.cli import terminal
    from vaehub.testing.plugin import checked_plugin

    found = []
    for each in checked_plugin(name):
        found.append(each)
        if not as_json:
            state = "broken" if each.broken else "partly" if each.unchecked else "kept"
            terminal.echo(f"{state:8}{each.title}")
            for sentence in (*each.broken, *([f"not checked: {each.unchecked}"] if each.unchecked else ())):
                terminal.echo(f"        {sentence}")
    if as_json:
        terminal.print_json([asdict(each) for each in found])
    if any(each.broken for each in found):
        raise typer.Exit(1)


@plugin.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the distribution, such as acme-vae.")],
    kinds: Annotated[
        str,
        typer.Option(
            "--kind", metavar="KIND,KIND…", help="Of metric, model, dataset, network, study, features and executor."
        ),
    ] = "metric",
    folder: Annotated[Path, typer.Option("--folder", help="Where its folder is made.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Begin a plugin: a distribution that installs, is typed, and passes its own tests and 'vaehub plugin check'."""
    from vaehub.cli import terminal
    from vaehub.scaffold import write_distribution

    found = write_distribution(name, [kind.strip() for kind in kinds.split(",") if kind.strip()], folder)
    if as_json:
        terminal.print_json({"files": [str(path) for path in found]})
        return
    for path in found:
        terminal.echo(path)
    home = folder / name
    terminal.hint(f"next: pip install -e {home} · vaehub plugin check {name} · pytest {home}")
