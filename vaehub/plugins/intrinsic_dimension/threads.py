"""A map over items that keeps every CPU thread busy."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import torch


class Map(Protocol):
    """Applies a function to each item, in any order, and returns the results in the order of the items."""

    def __call__(self, work: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
        """Return the result for each item."""
        ...


@contextmanager
def threaded_map(device: torch.device) -> Iterator[Map]:
    """Give each CPU thread an item of its own; on a GPU, apply the function to one item after another.

    By default PyTorch splits every operation among all threads and waits for the slowest. With many short operations,
    and other processes on the same cores, it waits ten times as long as it computes.
    """
    n_threads = torch.get_num_threads()
    if device.type != "cpu" or n_threads == 1:
        yield lambda work, items: [work(item) for item in items]
        return
    try:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield lambda work, items: list(pool.map(work, items))
    finally:
        # The setting belongs to a thread, but new threads inherit whatever was set last.
        torch.set_num_threads(n_threads)
