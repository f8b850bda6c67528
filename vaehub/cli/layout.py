"""Tables that fit: side by side where a row has room, else one field a line; in a file or a pipe, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
"""Characters between two columns."""
CLIPPED = 24
"""Fewest characters that are shown of what may be clipped, beside other columns."""
WORD = 32
"""Characters of a word that a column of text is never made narrower for."""
ALIGNED = 40
"""Characters that a column of a file or pipe is filled up to; what is longer moves the rest of its row."""
BAR, SHORTEST_BAR = 24, 4
"""Characters of the longest bar, and fewest that it is drawn with."""
BLOCK, CUT = "█", "…"
NARROW = "\u0300"
"""The first character that may take no room, or twice as much: it combines with what is before it."""


@dataclass(frozen=True)
class Bar:
    """A bar beside numbers; all of a column have one scale.

    Attributes:
        share: Of the longest one, in [0, 1].
    """

    share: float

    def drawn(self, length: int) -> str:
        """Return it, where the longest one has this length."""
        return BLOCK * round(length * self.share)


@dataclass(frozen=True)
class Column:
    """What a column holds, as it is written.

    Attributes:
        name: Its heading.
        cells: Text, or bars.
        is_number: Whether it goes to the right.
        is_clipped: Whether its cells may be cut, such as JSON.
    """

    name: str
    cells: Sequence[str | Bar]
    is_number: bool = False
    is_clipped: bool = False

    @property
    def has_bars(self) -> bool:
        """Whether its cells are bars."""
        return any(isinstance(cell, Bar) for cell in self.cells)

    @property
    def texts(self) -> list[str]:
        """Its cells, with bars of full length."""
        return [cell.drawn(BAR) if isinstance(cell, Bar) else cell for cell in self.cells]

    @property
    def width(self) -> int:
        """Characters that it takes where there is room for all."""
        lines = [line for text in (self.name, *self.texts) for line in text.split("\n")]
        return max(map(cell_len, lines))

    @property
    def can_wrap(self) -> bool:
        """Whether lines may be broken: only of text, and only between words."""
        return not (self.is_number or self.is_clipped or self.has_bars)

    @property
    def least(self) -> int:
        """Fewest characters that it is readable with."""
        if self.has_bars:
            return SHORTEST_BAR
        if self.is_clipped:
            return min(self.width, max(CLIPPED, cell_len(self.name)))
        if self.is_number:
            return self.width
        words = [word for text in (self.name, *self.texts) for word in text.split()]
        longest = max(map(cell_len, words), default=0)
        return longest if longest <= WORD else self.width


def cell_len(text: str) -> int:
    """Return how many columns of a terminal a text takes. Rich, which knows, is loaded where letters do not say it."""
    if text.isprintable() and max(text, default="") < NARROW:
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)


def write(console: Console, columns: Sequence[Column]) -> bool:
    """Print a table for a terminal, and say whether anything of it was cut."""
    n_rows = len(columns[0].cells) if columns else 0
    if _needed(columns) <= console.width or not n_rows:
        return _beside(console, columns)
    without = [column for column in columns if not column.has_bars]
    if len(without) < len(columns) and _needed(without) <= console.width:
        return _beside(console, without)
    return _below(console, without)


def aligned(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of a table of any width, for a file or a pipe; none is filled up at its end."""
    widths = [min(column.width, ALIGNED) for column in columns]
    rule = "─" * (sum(widths) + GAP * (len(widths) - 1))
    texts = [column.texts for column in columns]
    yield _line([column.name for column in columns], columns, widths)
    yield rule
    for row in zip(*texts, strict=True):
        for line in zip_longest(*(text.split("\n") for text in row), fillvalue=""):
            yield _line(line, columns, widths)


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    filled = [
        " " * (width - cell_len(text)) + text if column.is_number else text + " " * (width - cell_len(text))
        for text, column, width in zip(row, columns, widths, strict=True)
    ]
    return (" " * GAP).join(filled).rstrip()


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.least for column in columns) + GAP * (len(columns) - 1)


def _beside(console: Console, columns: Sequence[Column]) -> bool:
    """Print rows as lines; columns that may shrink have what the others leave."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    widths = _widths(columns, console.width)
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    is_cut, cells = False, []
    for column, width in zip(columns, widths, strict=True):
        shown.add_column(
            Text(column.name),
            justify="right" if column.is_number else "left",
            no_wrap=not column.can_wrap,
            overflow="fold",
            width=width,
        )
        texts = [cell.drawn(width) if isinstance(cell, Bar) else cell for cell in column.cells]
        if column.is_clipped:
            is_cut |= any(cell_len(text) > width for text in texts)
            texts = [_cut(text, width) for text in texts]
        cells.append(texts)
    for row in zip(*cells, strict=True):
        shown.add_row(*map(Text, row))
    console.print(shown)
    return is_cut


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """Return the width of each column: the least, and of what is left as much as each can use, those of text last."""
    widths = [column.least for column in columns]
    left = width - sum(widths) - GAP * (len(columns) - 1)
    for wraps in (False, True):
        asking = [at for at, column in enumerate(columns) if column.can_wrap == wraps and column.width > widths[at]]
        for place, at in enumerate(sorted(asking, key=lambda at: columns[at].width)):
            more = min(columns[at].width - widths[at], max(0, left) // (len(asking) - place))
            widths[at] += more
            left -= more
    return widths


def _below(console: Console, columns: Sequence[Column]) -> bool:
    """Print a field a line."""
    from rich.text import Text

    margin = max(cell_len(column.name) for column in columns) + GAP
    room, is_cut = max(CLIPPED, console.width - margin), False
    for at in range(len(columns[0].cells)):
        console.print(f"row {at + 1} ".ljust(min(console.width, margin + CLIPPED), "─"), markup=False, style="dim")
        for column in columns:
            text = column.texts[at]
            if column.is_clipped:
                is_cut |= cell_len(text) > room
                text = _cut(text, room)
            # What has no spaces, such as a path, is left to the terminal, from which it can be copied whole.
            lines = text.split("\n")
            if column.can_wrap:
                lines = [part for line in lines for part in wrap(line, room, break_long_words=False) or [""]]
            name = Text(column.name + " " * (margin - cell_len(column.name)) if text else column.name, style="bold")
            console.print(name.append(("\n" + " " * margin).join(lines), style="not bold"), soft_wrap=True)
    return is_cut


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + CUT
