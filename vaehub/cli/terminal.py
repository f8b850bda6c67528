"""What goes where: data to standard output, progress, hints and errors to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from vaehub.core.progress import Advance

UNLIMITED = 10_000
"""Columns of output that is not a terminal: a file or a pipe must lose nothing to the width of a screen."""


PATIENCE = 0.5
"""Seconds after which work is shown as a bar."""


def out() -> Console:
    """Return the console for data."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for everything else."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else UNLIMITED, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON has no number for becomes null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str) + "\n")


def hint(text: str) -> None:
    """Say what could be done next, where a person reads."""
    console = err()
    if console.is_terminal:
        console.print(text, style="dim", markup=False)


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of all work inside, if standard error is a terminal."""
    console = err()
    if not console.is_terminal:
        yield
        return
    from rich.console import RenderableType
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    from vaehub.core.progress import listening

    class Patient(Progress):
        """Bars of what takes a while, so that a dozen quick steps do not flicker by."""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield self.make_tasks_table([task for task in self.tasks if (task.elapsed or 0) >= PATIENCE])

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("[dim]{task.fields[note]}"),
    ]
    with Patient(*columns, console=console) as bars, listening(_Bars(bars)):
        yield


class _Bars:
    """Tasks as bars."""

    def __init__(self, bars: object) -> None:
        from rich.progress import Progress

        assert isinstance(bars, Progress)
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
