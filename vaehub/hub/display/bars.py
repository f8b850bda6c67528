"""Progress in a notebook: a line for each piece of work below the cell, which is gone when the work is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from vaehub.core.progress import Advance, Listener, current_listener, listening
from vaehub.hub.display.figures import notebook
from vaehub.hub.display.tables import NOTHING

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

PATIENCE = 0.5
"""Seconds after which work is shown."""
INTERVAL = 0.2
"""Seconds between two changes of what is shown."""


@contextmanager
def notebook_progress() -> Iterator[None]:
    """Show the progress of all work inside where this is a notebook, unless somebody listens already."""
    if notebook() is None or current_listener.get() is not None:
        yield
        return
    with listening(NotebookBars()):
        yield


@dataclass(eq=False)
class _Step:
    label: str
    total: int | None
    begun: float
    done: int = 0
    note: str = ""

    def line(self, now: float) -> Markup:
        most = NOTHING if self.total is None else Markup(' value="{}" max="{}"').format(self.done, self.total)
        of = "" if self.total is None else f" of {self.total:,}"
        return Markup("<div>{} <progress{}></progress> {:,}{} · {:.0f} s <small>{}</small></div>").format(
            self.label, most, self.done, of, now - self.begun, self.note
        )


class NotebookBars(Listener):
    """Tasks as bars in one place below the cell."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._place: DisplayHandle | None = None
        self._shown = 0.0

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        """Have a bar for a task until the context ends."""
        step = _Step(label, total, time.monotonic())
        self._steps.append(step)

        def advance(amount: int, note: str = "") -> None:
            step.done += amount
            step.note = note
            self._show()

        try:
            yield advance
        finally:
            self._steps.remove(step)
            if not self._steps and self._place is not None:
                self._place.update({"text/plain": "", "text/html": ""}, raw=True)
                self._place = None

    def _show(self) -> None:
        now = time.monotonic()
        lines = [each.line(now) for each in self._steps if now - each.begun >= PATIENCE]
        if not lines or now - self._shown < INTERVAL:
            return
        self._shown = now
        texts = [f"{each.label}: {each.done}" for each in self._steps]
        content = {"text/html": str(NOTHING.join(lines)), "text/plain": "; ".join(texts)}
        if self._place is not None:
            self._place.update(content, raw=True)
            return
        from IPython.display import display

        self._place = display(content, raw=True, display_id=True)
