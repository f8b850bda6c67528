"""Tables and the catalog: everything that is shown without opening a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from vaehub.cli import terminal
from vaehub.registry.catalog import HOME

if TYPE_CHECKING:
    from vaehub.registry.catalog import Catalog, Registered
    from vaehub.registry.documentation import ParamInfo


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a heading; numbers to the right."""
    rows = [list(row) for row in rows]
    numeric = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(columns))]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, right in zip(columns, numeric, strict=True):
        shown.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell(item)) for item in row))
    terminal.out().print(shown)


def catalog(items: Sequence[Registered]) -> None:
    """Print catalog entries."""
    rows = [(each.entry.kind, each.entry.name, each.entry.summary, each.distribution) for each in items]
    table(["kind", "name", "", "from"], rows)


def description(item: Registered, params: Sequence[ParamInfo]) -> None:
    """Print an entry and its parameters."""
    entry, console = item.entry, terminal.out()
    console.print(Text.assemble(f"{entry.kind} ", (entry.name, "bold"), f": {entry.summary}"))
    source = f"{entry.source}; " if entry.source else ""
    console.print(f"{source}from {item.distribution} {item.version}", markup=False)
    if not params:
        console.print("no parameters\n" if entry.has_params else "")
        return
    rows = [(each.name, each.type, _default(each), each.limits, each.description) for each in params]
    table(["parameter", "type", "default", "limits", ""], rows)


def plugins(found: Catalog, *, details: bool) -> None:
    """Print the installed plugins, their failures, and the names that several of them claim."""
    rows = [
        (
            each.name,
            f"{each.distribution} {each.version}",
            "not loaded: " + each.failure if each.failure else ", ".join(entry.name for entry in each.entries),
        )
        for each in found.plugins
    ]
    table(["plugin", "from", "contributes"], rows)
    console = terminal.out()
    for kind, name, owners in found.conflicts():
        guests = [owner for owner in owners if owner != HOME]
        if HOME in owners:
            told = " and ".join(f"{kind} {owner}:{name}" for owner in guests)
            console.print(f"{kind} {name!r} is vaehub's; also claimed, ask for it as {told}", markup=False)
        else:
            told = " or ".join(f"{owner}:{name}" for owner in owners)
            console.print(f"{kind} {name!r} is claimed by {' and '.join(owners)}; ask for it as {told}", markup=False)
    for each in found.plugins if details else ():
        if each.details:
            console.print(f"\n{each.name}\n{each.details}", markup=False)


def registered_as_json(item: Registered) -> dict[str, object]:
    """Return a catalog entry as plain values."""
    entry = item.entry
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.summary,
        "source": entry.source,
        "revision": entry.revision,
        "distribution": item.distribution,
        "version": item.version,
    }


def cell(item: object) -> str:
    """Return how a value is written."""
    if isinstance(item, float):
        return f"{item:.0f}" if item.is_integer() and abs(item) < 1e6 else f"{item:.5g}"
    return terminal.text(item)


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def _default(param: ParamInfo) -> str:
    if param.required:
        return "required"
    return "none" if param.default is None else str(param.default)
