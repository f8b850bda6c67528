"""How many threads of the CPU compute: one, where several would wait for one another longer than they save.

The number is decided by the size of the work alone, and not by the machine, so that small networks have the same bits
on any number of cores, beside any number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.executors import SHARE_OF_THREADS

if TYPE_CHECKING:  # whoever divides cores among workers does not load torch
    import torch

LARGE = 1e9
"""Floating-point operations of a training step from which all threads compute.

They take a core some 20 ms. On two idle cores, steps of 2e7 to 7e7 operations were 1.0 to 1.2 times as fast with two
threads, of 2e8 1.2 to 1.3 times, and of 2e9 1.6 times. Where other programs want the cores as well, threads that meet
many times in a step wait for one that does not run: steps were 2 to 6 times slower with two threads than with one.
"""
SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables by which users say how many threads they want."""
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def asked_by_environment() -> int | None:
    """Return the number of threads that the user's environment asks for."""
    asked = [os.environ.get(name, "") for name in SETTINGS]
    return next((int(each) for each in asked if each.isdecimal() and int(each) > 0), None)


def share_of_threads() -> int | None:
    """Return the threads of this process where whoever started it divided the cores, and no user asked for a number."""
    given = os.environ.get(SHARE_OF_THREADS, "")
    return int(given) if given.isdecimal() else None


def operations(counted: float, n_weights: int) -> float:
    """Return the floating-point operations that it takes to learn from one observation.

    Args:
        counted: Operations of encoding and decoding it, in products of matrices and convolutions.
        n_weights: Of the model. Where layers are neither, they take at least a product and a sum for each.
    """
    # Gradients take twice as many as what they are gradients of.
    return 3 * max(counted, 2 * n_weights)


@contextmanager
def threads_for(work: float, device: torch.device, *, share: int | None = None) -> Iterator[None]:
    """Compute small work with one thread inside the context, unless the user has set another number.

    Args:
        work: Operations of a training step.
        device: Only the CPU computes with threads of ours.
        share: Number of threads of this process where cores were divided among workers, so that nobody asked for it.
    """
    import torch

    before = torch.get_num_threads()
    if work >= LARGE or device.type != "cpu" or before == 1 or (share is None and _is_chosen(before)):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_chosen(n_threads: int) -> bool:
    """Return whether the user has chosen the number of threads: PyTorch has as many as there are cores by itself."""
    return asked_by_environment() is not None or n_threads not in (n_cores(), _n_whole_cores())


def _n_whole_cores() -> int:
    """Return how many cores there are where two threads of a processor share one."""
    cores: set[str] = set()
    with suppress(OSError, AttributeError):  # neither is there everywhere
        for each in os.sched_getaffinity(0):
            cores.add(Path(_SIBLINGS.format(each)).read_text())
        return len(cores)
    return n_cores()
