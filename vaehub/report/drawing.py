"""Drawing the pictures of many measurements: few here, many by several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError, WorkFailed, first_line
from vaehub.core.progress import Advance, task
from vaehub.hub.plots import NoPlotError, require_matplotlib
from vaehub.hub.views import Measurement
from vaehub.report.vector_graphics import Picture, picture_of
from vaehub.training.threads import n_cores

if TYPE_CHECKING:
    from vaehub.hub import Hub

ALL_PICTURES = 4_000_000
"""Bytes of all pictures of a page."""
GREATEST = 60_000
"""Bytes of one picture as SVG."""
MOST_PICTURES = 300
"""Pictures of a page: each takes about a tenth of a second of one core."""
FEW = 24
"""Pictures that are drawn sooner than other processes have started."""
PART = 8
"""Pictures that a process draws at a time."""


Found = dict[str, Picture | str | None]
"""Of each measurement its picture, why it has none, or nothing where its metric draws none."""
Submit = Callable[[Sequence[str], int], "Future[Found]"]


@dataclass(frozen=True)
class Drawn:
    """Pictures of measurements, and why others have none.

    Attributes:
        pictures: By id of the measurement.
        reasons: Why others have none, a sentence each; nothing is said of metrics that draw no plot.
        left_out: Measurements beyond the most pictures of a page.
    """

    pictures: Mapping[str, Picture]
    reasons: Mapping[str, str]
    left_out: Sequence[str]


def draw(submit: Submit, metrics: Mapping[str, str]) -> Drawn:
    """Return the pictures of measurements, drawn from stored values alone.

    Args:
        submit: Who draws, of :func:`drawers`.
        metrics: Metric of each measurement by its id, in the order in which they are to be drawn, until there are
            enough.

    Raises:
        VaehubError: If arrays are damaged.
    """
    found: Found = {}
    left = list(metrics)
    with task("drawing", min(len(metrics), MOST_PICTURES)) as advance:
        while left and (room := MOST_PICTURES - sum(each is not None for each in found.values())) > 0:
            found |= _collected(submit, left[:room], GREATEST, advance)
            without = {metrics[name] for name, each in found.items() if each is None}
            left = [name for name in left[room:] if metrics[name] not in without]
        sizes = {name: len(each.uri) for name, each in found.items() if isinstance(each, Picture)}
        most = share(list(sizes.values()), ALL_PICTURES)
        found |= _collected(submit, [name for name, size in sizes.items() if size > most], most, lambda _: None)
    pictures = {name: each for name, each in found.items() if isinstance(each, Picture)}
    reasons = {name: each for name, each in found.items() if isinstance(each, str)}
    return Drawn(pictures, reasons, left)


def share(sizes: Sequence[int], room: int) -> int:
    """Return the most that one of several may take, so that all have room: what small ones leave is for large ones."""
    at_most = room
    for taken, size in enumerate(sorted(sizes)):
        at_most = room // (len(sizes) - taken)
        if size > at_most:
            break
        room -= size
    else:
        at_most = max(sizes, default=at_most)
    return at_most


@contextmanager
def drawers(hub: Hub, n: int) -> Iterator[Submit]:
    """Give what draws some measurements: this process, or several others where there are many.

    The others start at once, so that what is read meanwhile does not wait for them.

    Args:
        hub: Where they are stored.
        n: How many measurements there are.

    Raises:
        VaehubError: If matplotlib is missing.
        WorkFailed: If a process that draws ends before it is done.
    """
    require_matplotlib()
    n_processes = min(n_cores(), 8, n // PART)
    if n <= FEW or n_processes < 2:

        def here(ids: Sequence[str], most: int) -> Future[Found]:
            done: Future[Found] = Future()
            done.set_result(_draw(hub, ids, most))
            return done

        yield here
        return
    with ProcessPoolExecutor(n_processes, get_context("spawn")) as processes:
        try:
            for _ in range(n_processes):
                processes.submit(_started)
            yield lambda ids, most: processes.submit(_draw_elsewhere, hub.store.path, ids, most)
        except BrokenProcessPool as error:
            raise WorkFailed(
                "a process that draws pictures ended before it was done: memory was short, or a script calls "
                "write_report outside of \"if __name__ == '__main__':\""
            ) from error
        except BaseException:
            processes.shutdown(cancel_futures=True)
            raise


def _started() -> None:
    """Load what draws."""
    import matplotlib.backends.backend_svg  # noqa: F401

    import vaehub.core.metric  # noqa: F401


def _collected(submit: Submit, names: Sequence[str], most: int, advance: Advance) -> Found:
    found: Found = {}
    for done in as_completed([submit(names[at : at + PART], most) for at in range(0, len(names), PART)]):
        drawn = done.result()
        found |= drawn
        advance(len(drawn))
    return found


def _draw_elsewhere(path: Path, ids: Sequence[str], most: int) -> Found:
    return _draw(_hub(path), ids, most)


@cache
def _hub(path: Path) -> Hub:
    from vaehub.hub import Hub

    return Hub.open(path, device="cpu")


def _draw(hub: Hub, ids: Sequence[str], most: int) -> Found:
    found: Found = {}
    for name, stored in hub.store.find_many(ids).items():
        try:
            figure = hub.plot(Measurement(stored.record, stored.result, stored.training, reused=True))
            found[name] = picture_of(figure, most)
        except NoPlotError:
            found[name] = None
        except VaehubError as error:
            found[name] = str(error)
        # A stranger's plot runs here.
        except Exception as error:  # noqa: BLE001
            found[name] = f"the plot of metric {stored.record.metric!r} failed: {first_line(error)}"
    return found
