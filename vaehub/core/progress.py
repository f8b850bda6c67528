"""Progress: long work reports how far it is, and a listener may show it.

Nothing is shown unless a listener is set; library code calls :func:`task` and never prints.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

Advance = Callable[..., None]
"""``advance(amount, note="")``: reports that more was done, with a note such as the losses of an epoch."""


class Listener(Protocol):
    """Something that shows tasks, such as a terminal."""

    def begin(self, label: str, total: int | None) -> AbstractContextManager[Advance]:
        """Show a new task until the context ends."""


current_listener: ContextVar[Listener | None] = ContextVar("vaehub_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the progress of all work inside the context to a listener."""
    token = current_listener.set(listener)
    try:
        yield
    finally:
        current_listener.reset(token)


@contextmanager
def task(label: str, total: int | None = None) -> Iterator[Advance]:
    """Announce a piece of work; yields the function to call when some of it is done.

    Args:
        label: Name of the task, in a few words.
        total: Amount of work, in any unit; ``None`` if unknown.
    """
    listener = current_listener.get()
    if listener is None:
        yield lambda amount, note="": None  # noqa: ARG005 nobody listens
    else:
        with listener.begin(label, total) as advance:
            yield advance
