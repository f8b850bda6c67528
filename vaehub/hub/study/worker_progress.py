"""Progress of a worker's tasks, shown by the process that gave the job: sent there, and told to its listener."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from vaehub.core.progress import Advance, Listener, task

INTERVAL = 0.2
"""Seconds between two messages about one task: a batch may take less than a message."""


@dataclass(frozen=True)
class TaskNews:
    """What happened to a task of a worker.

    Attributes:
        task: Its number, unique in the worker.
        label: Name of a task that begins; ``None`` for one that has begun.
        total: Amount of work of one that begins, if known.
        amount: How much more is done.
        note: Note on it.
        is_over: Whether it has ended.
    """

    task: int
    label: str | None = None
    total: int | None = None
    amount: int = 0
    note: str = ""
    is_over: bool = False


class TellingListener(Listener):
    """Sends what happens to tasks.

    Args:
        send: Sends a piece of news.
        clock: Returns seconds.
    """

    def __init__(self, send: Callable[[TaskNews], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._numbers = itertools.count()

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        """Send news of a task until the context ends."""
        number, waiting, noted, said = next(self._numbers), 0, "", self._clock()
        self._send(TaskNews(number, label, total))

        def advance(amount: int, note: str = "") -> None:
            nonlocal waiting, noted, said
            waiting, noted = waiting + amount, note
            if self._clock() - said >= INTERVAL:
                self._send(TaskNews(number, amount=waiting, note=noted))
                waiting, said = 0, self._clock()

        try:
            yield advance
        finally:
            self._send(TaskNews(number, amount=waiting, note=noted, is_over=True))


class ShownTasks:
    """Tasks of one worker, as tasks of this process."""

    def __init__(self) -> None:
        self._begun: dict[int, tuple[ExitStack, Advance]] = {}

    def tell(self, news: TaskNews) -> None:
        """Tell the listener of this process."""
        if news.label is not None:
            stack = ExitStack()
            self._begun[news.task] = stack, stack.enter_context(task(news.label, news.total))
            return
        stack, advance = self._begun[news.task]
        if news.amount or not news.is_over:
            advance(news.amount, note=news.note)
        if news.is_over:
            del self._begun[news.task]
            stack.close()

    def end(self) -> None:
        """End all of them, as those of a worker that has died."""
        for stack, _ in self._begun.values():
            stack.close()
        self._begun = {}
