"""Bars on a terminal: one for each piece of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from vaehub.core.progress import Advance, Listener

PATIENCE = 0.5
"""Seconds after which work is shown as a bar."""


LENGTH, SHORT_LENGTH, WIDE = 24, 12, 100
"""Characters of a bar, of one on a narrow terminal, and columns from which a terminal is wide."""


class _Patient(Progress):
    """Bars that appear only for work that takes a while, so that quick steps do not flicker."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table([task for task in self.tasks if (task.elapsed or 0) >= PATIENCE])


def made_bars(console: Console) -> Progress:
    """Return bars on a console, without any yet."""
    length = LENGTH if console.width >= WIDE else SHORT_LENGTH
    return _Patient(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=length, table_column=Column(no_wrap=True, min_width=length)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        # What is said of a step has the room that is left, so that all bars have one length.
        TextColumn(
            "{task.fields[note]}",
            style="dim",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        console=console,
        expand=True,
    )


class Bars(Listener):
    """Tasks as bars."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        """Have a bar for a task until the context ends."""
        task = self._bars.add_task(label, total=total, note="")

        def advance(amount: int, note: str = "") -> None:
            self._bars.update(task, advance=amount, note=note)

        try:
            yield advance
        finally:
            self._bars.stop_task(task)
