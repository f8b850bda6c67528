"""Panels of curves, drawn from stored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaehub import Result, Table
from vaehub.analysis import frame, label_columns, new_figure
from vaehub.plugins.curves.params import CurvesParams
from vaehub.plugins.curves.styles import BAR_EDGE, VERTICALS, Styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Key = str | int | float
HEIGHTS = {"y": 3.0, "below": 2.4, "bars": 1.6}
"""Inches of each strip."""
BAR_ROOM = 0.8
"""Share of the distance between two places that bars fill."""
MARKED = 40
"""Points of a line up to which each has a marker."""
SPREADS = {
    "sd": "standard deviation",
    "se": "standard error",
    "range": "least to greatest",
    "quantiles": "quantiles",
}


@dataclass(frozen=True)
class Series:
    """One line, or the bars of one kind, in one panel."""

    column: str
    group: Key
    x: NDArray[np.float64]
    centre: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reference: NDArray[np.float64]


def panels(result: Result, params: CurvesParams) -> Figure:
    """Return a panel for each value of the panels' column: strips of lines above a strip of bars."""
    points = result.tables["points"]
    names = list(dict.fromkeys(points.keys["panel"]))
    strips = _strips(points, params)
    figure, stacks = _grid(len(names), strips, params)
    styles = Styles.of(points, params)
    for name, stack in zip(names, stacks, strict=True):
        places = _places(points, name, params)
        for strip, axes in zip(strips, stack, strict=True):
            _draw_strip(axes, strip, points, name, places, params=params, styles=styles)
        _draw_verticals(stack, result.tables.get("verticals"), name)
        _finish(stack, strips, name if params.panel is not None else "", places, params)
    figure.legend(
        handles=styles.handles(),
        title=_caption(points, params),
        loc="outside right upper",
        frameon=False,
        fontsize=8,
        title_fontsize=8,
        alignment="left",
    )
    if params.title:
        figure.suptitle(params.title, fontsize=11)
    return figure


def _strips(points: Table, params: CurvesParams) -> list[str]:
    """Return the strips of each panel, from the top: bars behind lines have none of their own."""
    found = [part for part in ("y", "below", "bars") if part in points.keys["part"]]
    return [part for part in found if part != "bars" or found == ["bars"] or not params.behind]


def _grid(n: int, strips: Sequence[str], params: CurvesParams) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with the axes of each panel, from the top."""
    heights = [HEIGHTS["y" if strips == ["bars"] else strip] for strip in strips]
    n_across = min(2 if n == 4 else 3, n)
    n_down = -(-n // n_across)
    figure = new_figure(3.9 * n_across + 2.6, sum(heights) * n_down + 0.5)
    grid = figure.subplots(
        n_down * len(strips),
        n_across,
        squeeze=False,
        gridspec_kw={"height_ratios": heights * n_down},
    )
    stacks = [
        list(grid[down * len(strips) : (down + 1) * len(strips), across])
        for down in range(n_down)
        for across in range(n_across)
    ]
    for stack in stacks[n:]:
        for axes in stack:
            axes.remove()
    for stack in stacks[1:n] if params.share_y else []:
        for axes, first in zip(stack, stacks[0], strict=True):
            axes.sharey(first)
    return figure, stacks[:n]


def _places(points: Table, panel: Key, params: CurvesParams) -> Mapping[Key, float]:
    """Return where each value of x in a panel is drawn: at itself, or side by side with the others."""
    distinct = list(
        dict.fromkeys(x for x, each in zip(points.keys["x"], points.keys["panel"], strict=True) if each == panel)
    )
    if params.categories or any(isinstance(each, str) for each in distinct):
        return {each: float(place) for place, each in enumerate(distinct)}
    return {each: float(each) for each in sorted(distinct, key=float)}


def _is_categorical(places: Mapping[Key, float], params: CurvesParams) -> bool:
    return params.categories or any(isinstance(each, str) for each in places)


def _series(points: Table, part: str, panel: Key, places: Mapping[Key, float]) -> list[Series]:
    keys = points.keys
    chosen = [row for row, key in enumerate(zip(keys["part"], keys["panel"], strict=True)) if key == (part, panel)]
    labels = dict.fromkeys((keys["column"][row], keys["group"][row]) for row in chosen)
    found = []
    for column, group in labels:
        rows = [row for row in chosen if (keys["column"][row], keys["group"][row]) == (column, group)]
        rows.sort(key=lambda row: places[keys["x"][row]])
        values = {name: values[rows] for name, values in points.columns.items() if name != "n"}
        values.setdefault("reference", np.full(len(rows), np.nan))
        x = np.array([places[keys["x"][row]] for row in rows])
        found.append(Series(str(column), group, x, **values))
    return found


def _draw_strip(
    axes: Axes,
    strip: str,
    points: Table,
    panel: Key,
    places: Mapping[Key, float],
    *,
    params: CurvesParams,
    styles: Styles,
) -> None:
    if strip == "bars":
        _draw_bars(axes, _series(points, "bars", panel, places), places, params, styles)
        axes.set_ylabel(_axis_label(params, params.bars, params.bars_label))
        return
    columns, label = (params.y, params.y_label) if strip == "y" else (params.below, params.below_label)
    for each in _series(points, strip, panel, places):
        _draw_line(axes, each, params, styles)
    axes.set_ylabel(_axis_label(params, columns, label))
    if strip in params.log:
        axes.set_yscale("log")
    is_first = strip == ("y" if params.y else "below")
    if is_first and params.behind and params.bars:
        _draw_behind(axes, _series(points, "bars", panel, places), places, params, styles)
    if strip == "y":
        for at in params.horizontals_at.values():
            axes.axhline(at, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)


def _draw_line(axes: Axes, line: Series, params: CurvesParams, styles: Styles) -> None:
    style = styles.line(line.column, line.group)
    marker = style.marker if len(line.x) <= MARKED else ""
    axes.plot(line.x, line.centre, color=style.colour, linestyle=style.dashes, marker=marker, markersize=4.5)
    known = np.isfinite(line.low) & np.isfinite(line.high)
    if known.any() and params.spread_as == "band":
        axes.fill_between(line.x, line.low, line.high, where=known, color=style.colour, alpha=0.18, linewidth=0)
    elif known.any():
        # Lines from end to end: quantiles need not contain the centre, as error bars must.
        axes.vlines(line.x[known], line.low[known], line.high[known], color=style.colour, linewidth=1.1)
    if np.isfinite(line.reference).any():
        _draw_published(axes, line.x, line.reference, style.colour)


def _draw_published(axes: Axes, x: NDArray[np.float64], values: NDArray[np.float64], colour: str) -> None:
    axes.plot(x, values, color=colour, linestyle="none", marker="D", markersize=6, markerfacecolor="white", zorder=4)


def _draw_behind(
    axes: Axes, found: Sequence[Series], places: Mapping[Key, float], params: CurvesParams, styles: Styles
) -> None:
    beside = axes.twinx()
    _draw_bars(beside, found, places, params, styles)
    beside.set_ylabel(_axis_label(params, params.bars, params.bars_label))
    frame(beside, "right")
    # Axes are drawn one after the other: lines over bars.
    axes.set_zorder(beside.get_zorder() + 1)
    axes.patch.set_visible(False)


def _draw_bars(
    axes: Axes, found: Sequence[Series], places: Mapping[Key, float], params: CurvesParams, styles: Styles
) -> None:
    is_log = "x" in params.log
    at = np.array(list(places.values()))
    spacing = np.diff(np.log10(at) if is_log else at).min(initial=np.inf)
    room = BAR_ROOM * float(spacing if np.isfinite(spacing) else 1.0)
    width = room if params.stacked else room / max(1, len(found))
    below = dict.fromkeys(places.values(), 0.0)
    for number, each in enumerate(found):
        shift = 0.0 if params.stacked else width * (number - (len(found) - 1) / 2)
        middle = (np.log10(each.x) if is_log else each.x) + shift
        left, right = middle - width / 2, middle + width / 2
        if is_log:
            left, middle, right = 10**left, 10**middle, 10**right
        base = np.array([below[place] for place in each.x]) if params.stacked else np.zeros(len(each.x))
        style = styles.bar(each.column, each.group)
        axes.bar(
            left,
            each.centre,
            right - left,
            bottom=base,
            align="edge",
            color=style.colour,
            hatch=style.hatch,
            edgecolor=BAR_EDGE,
            linewidth=0.5,
        )
        known = np.isfinite(each.low) & np.isfinite(each.high) & (not params.stacked)
        axes.vlines(middle[known], each.low[known], each.high[known], color="black", linewidth=1)
        if np.isfinite(each.reference).any():
            _draw_published(axes, middle, base + each.reference, "black")
        below |= {place: under + height for place, under, height in zip(each.x, base, each.centre, strict=True)}


def _draw_verticals(stack: Sequence[Axes], verticals: Table | None, panel: Key) -> None:
    if verticals is None:
        return
    labels = list(dict.fromkeys(verticals.keys["label"]))
    for row, (label, each) in enumerate(zip(verticals.keys["label"], verticals.keys["panel"], strict=True)):
        if each != panel:
            continue
        at, low, high = (float(verticals.columns[name][row]) for name in ("at", "low", "high"))
        style = VERTICALS[labels.index(label) % len(VERTICALS)]
        for axes in stack:
            axes.axvline(at, color=style.colour, linestyle=style.dashes, linewidth=1.2, zorder=1)
            if np.isfinite(low) and high > low:
                axes.axvspan(low, high, color=style.colour, alpha=0.12, linewidth=0, zorder=0)
        stack[0].annotate(
            f"{at:.4g}",
            (at, 1),
            xycoords=stack[0].get_xaxis_transform(),
            # Numbers of lines that are close to each other stand on rows of their own.
            xytext=(0, 2 + 8 * (labels.index(label) % 2)),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7,
            color=style.colour,
        )


def _finish(
    stack: Sequence[Axes], strips: Sequence[str], title: Key, places: Mapping[Key, float], params: CurvesParams
) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for axes in stack:
        if axes is not stack[-1]:
            axes.sharex(stack[-1])
        axes.tick_params(axis="x", labelbottom=axes is stack[-1])
        frame(axes)
    for axes, strip in zip(stack, strips, strict=True):
        if strip in params.log:
            axes.yaxis.set_major_formatter(plain)
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_locator(LogLocator(base=10, subs=[1, 2, 5]))
    last = stack[-1]
    if _is_categorical(places, params):
        label_columns(last, [f"{each:g}" if isinstance(each, float) else str(each) for each in places])
    elif "x" in params.log:
        last.set_xscale("log")
        last.xaxis.set_major_locator(LogLocator(base=10, subs=[1, 2, 5]))
        last.xaxis.set_minor_locator(NullLocator())
        last.xaxis.set_major_formatter(plain)
    elif all(float(each).is_integer() for each in places):
        last.xaxis.set_major_locator(MaxNLocator(integer=True))
    last.set_xlabel(params.labels.get(params.x, params.x))
    if title != "":
        stack[0].set_title(str(title), fontsize=9, pad=24 if params.verticals or params.verticals_at else 6)


def _axis_label(params: CurvesParams, columns: Sequence[str], given: str) -> str:
    return given or (params.labels.get(columns[0], columns[0]) if len(columns) == 1 else "")


def _caption(points: Table, params: CurvesParams) -> str:
    """Say what lines and bands are, and of how many runs."""
    n = points.columns["n"].astype(int)
    runs = f"n = {n.min()}" if n.min() == n.max() else f"n = {n.min()} to {n.max()}"
    is_drawn = not params.stacked or bool(params.y or params.below)
    if params.spread == "none" or n.max() == 1 or not is_drawn:
        return f"{params.centre} ({runs})"
    spread = SPREADS[params.spread]
    if params.spread == "quantiles":
        spread = f"middle {100 * params.coverage:g} %"
    return f"{params.centre} and {spread} ({runs})"
