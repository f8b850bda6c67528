"""Tables and the catalog: everything that is shown without opening a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.cli import layout, terminal
from vaehub.cli.standard_output import answer
from vaehub.registry.catalog import HOME

WIDE, INDENT = 120, 4
"""Columns of a terminal with room for parameters as a table, and those that their meaning is moved in by elsewhere."""
UNSEEN = dict.fromkeys(map(ord, "\a\b\v\f\r"))
"""Characters of stored text that would move or ring what shows a file; a terminal is not given them either."""

if TYPE_CHECKING:
    from vaehub.registry.catalog import Catalog, Registered
    from vaehub.registry.documentation import ParamInfo


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, json: Collection[str] = ()) -> None:
    """Print rows under a heading; numbers to the right.

    Args:
        columns: The headings.
        rows: Values, and :class:`vaehub.cli.layout.Bar`.
        json: Columns of text that is JSON: it may be cut to what a terminal has room for.
    """
    rows = [list(row) for row in rows]
    shown = [_column(name, [row[at] for row in rows], is_json=name in json) for at, name in enumerate(columns)]
    if not answer().isatty():
        for line in (*layout.aligned(shown), ""):
            terminal.echo(line.translate(UNSEEN).expandtabs())
        return
    console = terminal.out()
    if layout.write(console, shown):
        console.print(f"{layout.CUT} marks what is cut to fit; '--json' gives all", markup=False)
    console.print()


def _column(name: str, items: Sequence[object], *, is_json: bool) -> layout.Column:
    is_nested = any(isinstance(item, Mapping | list | tuple) for item in items)
    return layout.Column(
        name,
        [item if isinstance(item, layout.Bar) else cell(item) for item in items],
        is_number=any(map(_is_number, items)) and all(item is None or _is_number(item) for item in items),
        is_clipped=is_json or is_nested,
    )


def catalog(items: Sequence[Registered]) -> None:
    """Print catalog entries."""
    rows = [(each.entry.kind, each.entry.name, each.entry.summary, each.distribution) for each in items]
    table(["kind", "name", "meaning", "from"], rows)


def has_words(item: Registered, words: str) -> bool:
    """Return whether an entry has all of these words, or parts of words, in its name or its line."""
    said = f"{item.entry.name} {item.entry.summary}".casefold()
    return all(word in said for word in words.casefold().split())


def description(item: Registered, params: Sequence[ParamInfo]) -> None:
    """Print an entry and its parameters."""
    from rich.padding import Padding
    from rich.text import Text

    entry, console = item.entry, terminal.out()
    console.print(Text.assemble(f"{entry.kind} ", (entry.name, "bold"), f": {entry.summary}"))
    source = f"{entry.source}; " if entry.source else ""
    console.print(f"{source}from {item.distribution} {item.version}", markup=False)
    if not params:
        console.print("no parameters\n" if entry.has_params else "")
        return
    if answer().isatty() and console.width < WIDE:
        for each in params:
            kind = "; ".join(filter(None, (each.type, each.limits)))
            console.print(Text.assemble((each.name, "bold"), f" = {_default(each)}  ", (kind, "dim")))
            console.print(Padding(Text(each.description), (0, 0, 0, INDENT)))
        console.print()
        return
    rows = [(each.name, each.type, _default(each), each.limits, each.description) for each in params]
    table(["parameter", "type", "default", "limits", "meaning"], rows)


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
