"""The command ``cite``: BibTeX of what a work has used."""

from typing import Annotated

import typer

from vaehub.cli.options import JsonOption
from vaehub.core.errors import VaehubError


def cite(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="Names in the catalog.", show_default="vaehub itself")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print BibTeX of models, metrics, datasets, studies and feature extractors, or of vaehub itself."""
    from vaehub.cli import terminal
    from vaehub.registry.catalog import Catalog
    from vaehub.registry.references import named, of_vaehub, references

    chosen, missing = [of_vaehub()], list[str]()
    if names:
        catalog = Catalog()
        found = [each for name in names for each in catalog.find_all(name)]
        chosen, missing = named(references(catalog.plugins), [each.entry.source for each in found])
        if not chosen:
            quoted = " and ".join(repr(name) for name in names)
            verb = "names" if len(names) == 1 else "name"
            if missing:
                raise VaehubError(f"{quoted} {verb} {'; '.join(missing)}, and no plugin brings BibTeX of it")
            raise VaehubError(f"{quoted} {verb} no publication; 'vaehub cite' prints how to cite vaehub itself")
    if as_json:
        terminal.print_json([{"key": each.key, "bibtex": each.text} for each in chosen])
    else:
        typer.echo("\n\n".join(each.text for each in chosen))
    if missing:
        terminal.hint(f"no plugin brings BibTeX of {'; '.join(missing)}")
