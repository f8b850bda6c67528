"""Colours, dashes and markers of series, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from vaehub import Table
from vaehub.plugins.curves.params import CurvesParams

if TYPE_CHECKING:
    from matplotlib.artist import Artist

Key = str | int | float
Dashes = Literal["-", "--", ":", "-."]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that people with colour blindness tell apart: Okabe & Ito 2008, but for their yellow, too light on white."""
DASHES: tuple[Dashes, ...] = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREYS = ("0.35", "0.65", "0.88", "1.0")
"""Fills of bars beside lines, whose colours they leave alone."""
HATCHES = ("", "//", "xx", "..")
BAR_EDGE = "0.2"
SCALED_FROM = 4
"""Groups of numbers from which their colours are a scale, so that their order is seen."""


@dataclass(frozen=True)
class Style:
    """How one series looks."""

    colour: str
    dashes: Dashes = "-"
    marker: str = ""
    hatch: str = ""


VERTICALS = (Style("black"), Style("0.5", "--"), Style("black", ":"), Style("0.5", "-."))
"""Vertical lines in order: black and grey as in Bonheme 2023, Figure 8.5, dashed, so that one shows under another."""


@dataclass(frozen=True)
class Styles:
    """Looks of all series of a picture: groups have colours and columns dashes; columns alone have colours."""

    params: CurvesParams
    lines: dict[tuple[str, Key], Style]
    bars: dict[tuple[str, Key], Style]
    groups: tuple[Key, ...]
    verticals: tuple[str, ...]
    has_references: bool

    @classmethod
    def of(cls, points: Table, params: CurvesParams) -> Styles:
        """Return the looks of what a table holds."""
        keys = list(zip(points.keys["part"], points.keys["column"], points.keys["group"], strict=True))
        lines = dict.fromkeys((str(column), group) for part, column, group in keys if part != "bars")
        bars = dict.fromkeys((str(column), group) for part, column, group in keys if part == "bars")
        groups = tuple(dict.fromkeys(group for _, group in (lines or bars)))
        is_grouped = params.group is not None
        colours = _colours(groups) if is_grouped else {}
        columns = list(params.y) + list(params.below)
        line_styles = {}
        for column, group in lines:
            within = params.y if column in params.y else params.below
            series = groups.index(group) if is_grouped else columns.index(column)
            colour = colours[group] if is_grouped else COLOURS[series % len(COLOURS)]
            turn = within.index(column) if is_grouped else 0
            dashes = DASHES[(series // len(COLOURS) + turn) % len(DASHES)]
            line_styles[column, group] = Style(colour, dashes, MARKERS[series % len(MARKERS)])
        bar_styles = {
            (column, group): _bar_style(params.bars.index(column), colours.get(group) if not lines else None)
            for column, group in bars
        }
        references = points.columns.get("reference")
        return cls(
            params,
            line_styles,
            bar_styles,
            groups if is_grouped else (),
            (*params.verticals, *params.verticals_at),
            references is not None and bool(np.isfinite(references).any()),
        )

    def line(self, column: str, group: Key) -> Style:
        """Return the look of a line."""
        return self.lines[column, group]

    def bar(self, column: str, group: Key) -> Style:
        """Return the look of bars."""
        return self.bars[column, group]

    def handles(self) -> list[Artist]:
        """Return what the legend names: groups, then columns, bars, vertical and horizontal lines, published values."""
        from matplotlib.lines import Line2D

        handles: list[Artist] = [*self._of_groups(), *self._of_columns(), *self._of_bars()]
        for place, label in enumerate(self.verticals):
            style = VERTICALS[place % len(VERTICALS)]
            handles.append(Line2D([], [], color=style.colour, linestyle=style.dashes, label=self._words(label)))
        for label in self.params.horizontals_at:
            handles.append(Line2D([], [], color="0.3", linewidth=0.9, linestyle=(0, (4, 2)), label=label))
        if self.has_references:
            handles.append(
                Line2D([], [], color="black", linestyle="none", marker="D", markerfacecolor="white", label="published")
            )
        return handles

    def _of_groups(self) -> list[Artist]:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        found: list[Artist] = []
        for group in self.groups:
            title = "" if isinstance(group, str) else f"{self._words(self.params.group or '')} "
            label = f"{title}{group if isinstance(group, str) else format(group, 'g')}"
            line = next((style for (_, each), style in self.lines.items() if each == group), None)
            if line is not None:
                # Where columns have dashes of their own, a group is its colour alone.
                dashes: Dashes = line.dashes if len(self._columns()) == 1 else "-"
                found.append(Line2D([], [], color=line.colour, linestyle=dashes, marker=line.marker, label=label))
            else:
                bar = next(style for (_, each), style in self.bars.items() if each == group)
                found.append(Patch(facecolor=bar.colour, edgecolor=BAR_EDGE, label=label))
        return found

    def _columns(self) -> list[str]:
        return [*self.params.y, *self.params.below]

    def _of_columns(self) -> list[Artist]:
        from matplotlib.lines import Line2D

        found: list[Artist] = []
        for strip in (self.params.y, self.params.below):
            for place, column in enumerate(strip):
                if self.groups:
                    # One column of a strip is what its axis says.
                    if len(strip) > 1:
                        dashes = DASHES[place % len(DASHES)]
                        found.append(Line2D([], [], color="0.3", linestyle=dashes, label=self._words(column)))
                elif style := next((style for (each, _), style in self.lines.items() if each == column), None):
                    found.append(
                        Line2D(
                            [],
                            [],
                            color=style.colour,
                            linestyle=style.dashes,
                            marker=style.marker,
                            label=self._words(column),
                        )
                    )
        return found

    def _of_bars(self) -> list[Artist]:
        from matplotlib.patches import Patch

        if self.groups and not self.lines and len(self.params.bars) == 1:
            return []
        seen: dict[str, Style] = {}
        for (column, _), style in self.bars.items():
            seen.setdefault(column, style)
        is_coloured = bool(self.groups) and not self.lines
        return [
            Patch(
                facecolor="white" if is_coloured else style.colour,
                hatch=style.hatch,
                edgecolor=BAR_EDGE,
                label=self._words(column),
            )
            for column, style in seen.items()
        ]

    def _words(self, column: str) -> str:
        return self.params.labels.get(column, column)


def _colours(groups: Sequence[Key]) -> dict[Key, str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    numbers = sorted(float(each) for each in groups if not isinstance(each, str))
    if len(numbers) == len(groups) >= SCALED_FROM:
        scale = colormaps["viridis"](np.linspace(0, 0.85, len(numbers)))
        return {each: to_hex(scale[numbers.index(float(each))]) for each in groups}
    return {each: COLOURS[place % len(COLOURS)] for place, each in enumerate(groups)}


def _bar_style(place: int, colour: str | None) -> Style:
    if colour is not None:
        return Style(colour, hatch=HATCHES[place % len(HATCHES)])
    return Style(GREYS[place % len(GREYS)], hatch=HATCHES[place // len(GREYS) % len(HATCHES)])
