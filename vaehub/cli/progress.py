"""How far work is: bars on a terminal; in a log, a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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

from vaehub.cli import terminal
from vaehub.core.progress import Advance, Listener, listening

PATIENCE = 0.5
"""Seconds after which work is shown as a bar."""
INTERVAL = 60.0
"""Seconds between two lines of a log, so that a night of work is a page or two and an hour no silence."""


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of all work inside on standard error."""
    console = terminal.err()
    if console.is_terminal:
        with _bars(console) as bars, listening(_Bars(bars)):
            yield
    else:
        with listening(Lines(console)):
            yield


class _Patient(Progress):
    """Bars of what takes a while, so that a dozen quick steps do not flicker by."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table([task for task in self.tasks if (task.elapsed or 0) >= PATIENCE])


def _bars(console: Console) -> Progress:
    return _Patient(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("[dim]{task.fields[note]}"),
        console=console,
    )


class _Bars(Listener):
    """Tasks as bars."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        task = self._bars.add_task(label, total=total, note="")

        def advance(amount: int, note: str = "") -> None:
            self._bars.update(task, advance=amount, note=note)

        try:
            yield advance
        finally:
            self._bars.stop_task(task)


@dataclass(eq=False)
class _Step:
    label: str
    total: int | None
    done: int = 0
    note: str = ""

    def __str__(self) -> str:
        of = "" if self.total is None else f" of {self.total}"
        return f"{self.label}: {self.done}{of}" + (f" ({self.note})" if self.note else "")


class Lines(Listener):
    """Tasks as lines, the outermost first: ``12:03:04 study polarised, quick: 22 of 101 (2 running, 0 failed)``."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._steps: list[_Step] = []
        self._said = clock()

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        """Have a task in the lines until the context ends."""
        step = _Step(label, total)
        self._steps.append(step)

        def advance(amount: int, note: str = "") -> None:
            step.done += amount
            step.note = note
            self._say()

        try:
            yield advance
        finally:
            self._steps.remove(step)

    def _say(self) -> None:
        if self._clock() - self._said < INTERVAL:
            return
        self._said = self._clock()
        self._console.print(f"{time.strftime('%X')} {'; '.join(map(str, self._steps))}", markup=False)
