"""How far work is: bars on a terminal; in a log, a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from vaehub.cli import terminal
from vaehub.core.progress import Advance, Listener, listening

INTERVAL = 60.0
"""Seconds between two lines of a log, so that a night of work is a page or two and an hour no silence."""


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of all work inside on standard error."""
    console = terminal.err()
    if console.is_terminal:
        # An answer from the store that goes into a pipe need not wait for the library.
        from vaehub.cli.bars import Bars, made_bars

        with made_bars(console) as bars, listening(Bars(bars)):
            yield
    else:
        with listening(Lines(console)):
            yield


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
