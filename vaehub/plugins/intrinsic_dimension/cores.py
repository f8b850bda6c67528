"""The cores of a processor, each with work of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import torch


class OnCores(Protocol):
    """Does some work for each item, in any order, and hands back what came of it, in the order of the items."""

    def __call__(self, work: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
        """Return what the work made of each item."""
        ...


@contextmanager
def on_cores(device: torch.device) -> Iterator[OnCores]:
    """Let each core of a CPU take the next item when it is done with one; on a GPU, items follow each other.

    PyTorch by itself shares out each step among the cores and waits for the slowest. With many short steps, and where
    others want the cores as well, it waits ten times as long as it works.
    """
    n_threads = torch.get_num_threads()
    if device.type != "cpu" or n_threads == 1:
        yield lambda work, items: [work(item) for item in items]
        return
    try:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield lambda work, items: list(pool.map(work, items))
    finally:
        # The number is the thread's own, but what is said last holds for threads to come.
        torch.set_num_threads(n_threads)
