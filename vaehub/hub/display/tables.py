"""Tables, bars and folds in HTML. Texts are escaped unless they are markup that was made here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

ROWS_SHOWN = 32
"""Rows of a table that are shown; all are in the data frame."""
LONGEST = 200
"""Letters of one text that are shown."""
BAR = 160
"""Pixels of the longest bar."""
BAR_COLOUR = "#4c78a8"
NOTHING = Markup()
HEAD, CELL = Markup("<th>{}</th>"), Markup("<td>{}</td>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, n: int | None = None) -> Markup:
    """Return a table.

    Args:
        head: Titles of the columns; none, for a table without a line of titles.
        rows: The cells that are shown.
        n: Number of all rows; those of ``rows``, if not given.
    """
    shown = [list(row) for row in rows]
    top = _line(HEAD, head) if head else NOTHING
    body = NOTHING.join(_line(CELL, row) for row in shown)
    rest = (len(shown) if n is None else n) - len(shown)
    more = paragraph(f"{rest:,} more row{'s' if rest > 1 else ''}; to_pandas(), to_polars() and to_arrow() give all")
    return Markup("<table>{}{}</table>{}").format(top, body, more if rest > 0 else NOTHING)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Return a table of names and values, without the values that are missing."""
    lines = [
        Markup('<tr><th style="text-align:left">{}</th><td style="text-align:left">{}</td></tr>').format(
            name, cell(value)
        )
        for name, value in pairs
        if value not in (None, "")
    ]
    return Markup("<table>{}</table>").format(NOTHING.join(lines)) if lines else NOTHING


def paragraph(text: object) -> Markup:
    """Return a paragraph."""
    return Markup("<p>{}</p>").format(text)


def title(name: str, rest: object = "", key: str = "") -> Markup:
    """Return a line with a name in bold, more beside it, and the beginning of an id."""
    code = Markup(" <code>{}</code>").format(key) if key else NOTHING
    return Markup("<div><b>{}</b> {}{}</div>").format(name, rest, code)


def fold(summary: object, content: Markup, *, is_open: bool = False) -> Markup:
    """Return what can be unfolded below a line."""
    return Markup("<details{}><summary>{}</summary>{}</details>").format(
        Markup(" open") if is_open else NOTHING, summary, content
    )


def bar(value: float, greatest: float) -> Markup:
    """Return a bar beside the greatest finite value; none for what is not above 0, a whole one for infinity."""
    width = round(BAR * min(value / greatest, 1)) if value > 0 and greatest > 0 else 0
    return Markup('<div style="background:{};height:.7em;width:{}px"></div>').format(BAR_COLOUR, width)


def cell(value: object) -> Markup | str:
    """Return a value as it stands in a table: numbers in at most six digits, and long texts cut."""
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _line(kind: Markup, cells: Iterable[object]) -> Markup:
    return Markup("<tr>{}</tr>").format(NOTHING.join(kind.format(cell(each)) for each in cells))
