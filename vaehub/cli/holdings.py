"""Datasets and their files in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from vaehub.cli import terminal
from vaehub.cli.tables import cell, table

if TYPE_CHECKING:
    from PIL.Image import Image

    from vaehub.hub.previews import Figures
    from vaehub.registry.holdings import Holding

WIDEST = 120
"""Columns of a terminal that a preview takes at most."""
NAMED = 20
"""Classes whose names and sizes are printed."""


def overview(found: Sequence[Holding]) -> None:
    """Print all datasets, one a line."""
    rows = [
        (each.registered.entry.name, each.card.contents if each.card else each.registered.entry.summary, each.state)
        for each in found
    ]
    table(["dataset", "", "files"], rows)


def details(found: Holding, figures: Figures | None) -> None:
    """Print the card of a dataset."""
    entry, card, console = found.registered.entry, found.card, terminal.out()
    console.print(Text.assemble((entry.name, "bold"), f": {entry.summary}"))
    if card is not None:
        facts = [
            ("contents", card.contents),
            ("source", entry.source),
            ("licence", card.licence),
            ("home", card.home),
            ("factors", ", ".join(f"{name} {size}" for name, size in card.factors)),
            ("state", found.state),
        ]
        for name, value in facts:
            if value:
                console.print(f"{name:<10} {value}", markup=False, soft_wrap=True)
    if found.files:
        whereabouts(found)
    if figures is not None:
        console.print()
        for name, value in _lines(figures):
            console.print(f"{name:<13} {value}", markup=False, soft_wrap=True)


def whereabouts(found: Holding) -> None:
    """Print each file: where it is or comes from, and its checksum."""
    if not found.files:
        terminal.out().print(f"{found.registered.entry.name}: {found.state}", markup=False)
        return
    rows = [
        (file.name, file.checksum or "none published", path or file.address or "to get by hand")
        for file, path in found.files
    ]
    table(["file", "checksum", "where"], rows)


def preview(picture: Image) -> None:
    """Print a picture in half characters, where a person sees colours."""
    from vaehub.hub.previews import halved

    console = terminal.out()
    if not console.is_terminal or console.color_system != "truecolor":
        return
    for row in halved(picture, min(console.width, WIDEST)):
        line = Text()
        for above, below in row.tolist():
            line.append("▀", f"rgb({','.join(map(str, above))}) on rgb({','.join(map(str, below))})")
        console.print(line)


def as_json(found: Holding) -> dict[str, object]:
    """Return a dataset as plain values."""
    entry, card = found.registered.entry, found.card
    files = [
        {"name": file.name, "checksum": file.checksum, "address": file.address, "path": path and str(path)}
        for file, path in found.files
    ]
    known = {} if card is None else {"contents": card.contents, "licence": card.licence, "home": card.home}
    return {
        "name": entry.name,
        "summary": entry.summary,
        "source": entry.source,
        **known,
        "factors": dict(card.factors) if card else {},
        "state": found.state,
        "files": files,
    }


def figures_as_json(figures: Figures | None) -> dict[str, object]:
    """Return figures as plain values."""
    if figures is None:
        return {}
    # Splits were called parts until they took the field's word, and scripts of users read that key.
    return {"figures": asdict(figures) | {"parts": figures.splits}}


def _lines(figures: Figures) -> list[tuple[str, str]]:
    shape = "x".join(map(str, figures.shape))
    found = [("observations", f"{figures.n:,} of {shape}")]
    if figures.splits:
        found.append(("splits", ", ".join(f"{name} {size:,}" for name, size in figures.splits.items())))
    if figures.labels:
        present = [count for count in figures.labels if count]
        found.append(("classes", f"{len(present)}, of {min(present):,} to {max(present):,} observations"))
        named = [f"{name} {n:,}" for name, n in zip(figures.class_names, figures.labels, strict=False)]
        if named:
            found.append(("", ", ".join(named[:NAMED]) + (" …" if len(named) > NAMED else "")))
    if figures.factors:
        found.append(("factors", ", ".join(f"{name} {size}" for name, size in figures.factors.items())))
    mean, deviation = (", ".join(map(cell, each)) for each in (figures.mean, figures.deviation))
    found.append(("mean", f"{mean} (of {figures.n_sampled:,} observations)"))
    found.append(("deviation", deviation))
    return found + [("note", note) for note in figures.notes]
