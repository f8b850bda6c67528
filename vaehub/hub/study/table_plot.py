"""The picture of a study's table: ours as dots, the published values around them, a panel for each name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vaehub.analysis import PALETTE, plot_style
from vaehub.core.errors import VaehubError
from vaehub.hub.display.figures import show_figures
from vaehub.hub.dot_rows import Row, RowPanel, in_words, rows_figure
from vaehub.hub.plots import require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.hub.study.report import ReportRow, ReportTable

COLOURS = {True: PALETTE[0], False: PALETTE[3], None: "0.45"}
"""Of values that meet the published one, that do not, and that cannot be judged."""
MARKS = {True: "blue: met", False: "red: not met", None: "grey: not judged"}


def table_plot(table: ReportTable) -> Figure:
    """Return a dot for each value of ours with its spread, and around it the published value with its own.

    Keys that all rows share are in the title; the others name the rows.

    Raises:
        VaehubError: If no value is finite, or matplotlib is missing.
    """
    require_matplotlib()
    varied = [key for key in table.keys if len({row.keys[key] for row in table.rows}) > 1]
    places = list(dict.fromkeys(_place(row, varied) for row in table.rows))
    panels = []
    for name in dict.fromkeys(row.name for row in table.rows):
        own = {_place(row, varied): row for row in table.rows if row.name == name}
        panels.append(RowPanel(name, "", [_row(place, own.get(place)) for place in places]))
    if not any(panel.is_finite for panel in panels):
        why = "no value of it is finite" if panels else "its query finds nothing in what has been made"
        raise VaehubError(f"table {table.name!r} has no picture: {why}")
    same = [f"{key} {table.rows[0].keys[key]}" for key in table.keys if key not in varied]
    keys = [f"rows: {', '.join(varied)}"] * bool(varied)
    with plot_style():
        figure = rows_figure(panels, "\n".join(filter(None, [_title(table), ", ".join([*same, *keys])])))
    show_figures()
    return figure


def _title(table: ReportTable) -> str:
    if table.table is None:
        return table.name
    judged = dict.fromkeys(row.inside for row in table.rows if row.published is not None)
    marks = ", ".join(MARKS[each] for each in (True, False, None) if each in judged)
    beside = f"◇ and band: table {table.table} of {table.paper} and its spread" if judged else "nothing published"
    return "\n".join(filter(None, [f"{table.name}; {beside}", marks]))


def _place(row: ReportRow, varied: list[str]) -> str:
    return ", ".join(str(row.keys[key]) for key in varied if row.keys[key] is not None)


def _row(place: str, row: ReportRow | None) -> Row:
    if row is None:
        return Row(place, math.nan)
    low, high = (None, None) if row.ours_spread is None else (row.ours - row.ours_spread, row.ours + row.ours_spread)
    reference = None
    if row.published is not None and math.isfinite(row.published):
        spread = row.published_spread or 0.0
        reference = (row.published, row.published - spread, row.published + spread)
    # The numbers are in the table; a dot says them, but for those that it cannot.
    text = "" if math.isfinite(row.ours) else in_words(row.ours)
    return Row(place, row.ours, low, high, reference=reference, text=text, colour=COLOURS[row.inside])
