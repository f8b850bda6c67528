"""Drawing the pictures of a page: few here, many by several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from multiprocessing import (
    get_all_start_methods,
    get_context,
    get_start_method,
    set_forkserver_preload,
    set_start_method,
)
from multiprocessing.context import BaseContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from vaehub.core.errors import VaehubError, WorkFailed, first_line
from vaehub.core.progress import Advance, task
from vaehub.hub.plots import require_matplotlib
from vaehub.hub.views import Measurement
from vaehub.report.vector_graphics import Picture, picture_of
from vaehub.training.threads import n_cores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.hub import Hub
    from vaehub.hub.study.report import ReportTable
    from vaehub.store.records import StoredMeasurement

ALL_PICTURES = 4_000_000
"""Bytes of all pictures of a page."""
GREATEST = 60_000
"""Bytes of one picture as SVG."""
MOST_PICTURES = 300
"""Pictures of a page: each takes up to a tenth of a second of one core."""
FEW = 24
"""Pictures that are drawn sooner than other processes have started."""
PART = 4
"""Pictures that a process draws at a time."""

PRELOADED = [
    "matplotlib.backends.backend_svg",
    "vaehub.core.metric",
    "vaehub.hub",
    "vaehub.report.one_pass",
    "PIL.Image",
]
"""Modules that drawing needs."""

Found = dict[str, Picture | str | None]
"""Of each measurement its picture, why it has none, or nothing where its metric draws none."""
A = TypeVar("A")
T = TypeVar("T")


class Submit(Protocol):
    """Calls a function with a hub, in this process or in another."""

    def __call__(self, work: Callable[[Hub, A], T], argument: A, /) -> Future[T]:
        """Return the future result."""


@dataclass(frozen=True)
class Drawn:
    """Pictures of a page, and why others are not there.

    Attributes:
        pictures: Of measurements, by id.
        shared: Of all measurements of a metric that draws no plot of one of them, by metric.
        tables: Of the tables of a study, in their order; a sentence where there is none.
        reasons: Why other measurements have no picture, by id, a sentence each.
        left_out: Measurements beyond the most pictures of a page.
    """

    pictures: Mapping[str, Picture]
    shared: Mapping[str, Picture]
    tables: Sequence[Picture | str]
    reasons: Mapping[str, str]
    left_out: Sequence[str]

    @property
    def n_pictures(self) -> int:
        """How many there are."""
        return len(self.pictures) + len(self.shared) + sum(isinstance(each, Picture) for each in self.tables)


def draw(
    submit: Submit,
    measurements: Mapping[str, StoredMeasurement],
    order: Mapping[str, str],
    tables: Sequence[ReportTable] = (),
) -> Drawn:
    """Return the pictures of measurements and tables, drawn from stored values alone.

    Args:
        submit: Who draws, of :func:`drawers`.
        measurements: By id, without their arrays.
        order: Metric of each measurement by its id, in the order in which they are to be drawn, until there are enough.
        tables: Of a study.

    Raises:
        VaehubError: If arrays are damaged.
    """
    found: Found = {}
    left = list(order)
    of_tables = [submit(_draw_table, each) for each in tables]
    with task("drawing", min(len(order), MOST_PICTURES)) as advance:
        while left and (room := MOST_PICTURES - sum(each is not None for each in found.values())) > 0:
            found |= _collected(submit, [measurements[name] for name in left[:room]], GREATEST, advance)
            without = {order[name] for name, each in found.items() if each is None}
            left = [name for name in left[room:] if order[name] not in without]
        sizes = {name: len(each.uri) for name, each in found.items() if isinstance(each, Picture)}
        most = share(list(sizes.values()), ALL_PICTURES)
        greater = [measurements[name] for name, size in sizes.items() if size > most]
        found |= _collected(submit, greater, most, lambda _: None)
        sharing: dict[str, list[str]] = {order[name]: [] for name, each in found.items() if each is None}
        for name, metric in order.items():
            if metric in sharing:
                sharing[metric].append(name)
        of_metrics = {
            metric: submit(_draw_together, [measurements[name] for name in names]) for metric, names in sharing.items()
        }
        shared = {metric: each.result() for metric, each in of_metrics.items()}
    pictures = {name: each for name, each in found.items() if isinstance(each, Picture)}
    reasons = {name: each for name, each in found.items() if isinstance(each, str)}
    reasons |= {name: why for metric, why in shared.items() if isinstance(why, str) for name in sharing[metric]}
    together = {metric: each for metric, each in shared.items() if isinstance(each, Picture)}
    return Drawn(pictures, together, [each.result() for each in of_tables], reasons, left)


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

        def here(work: Callable[[Hub, A], T], argument: A) -> Future[T]:
            done: Future[T] = Future()
            done.set_result(work(hub, argument))
            return done

        yield here
        return
    context = _context()
    if is_from_one := context.get_start_method() == "forkserver":
        ensure_running()  # at once, where the first process would be waited for until all is loaded
    with ProcessPoolExecutor(n_processes, context) as processes:

        def elsewhere(work: Callable[[Hub, A], T], argument: A) -> Future[T]:
            return processes.submit(_elsewhere, hub.store.path, work, argument)

        try:
            for _ in range(0 if is_from_one else n_processes):
                processes.submit(_started)
            yield elsewhere
        except BrokenProcessPool as error:
            raise WorkFailed(
                "a process that draws pictures ended before it was done: memory was short, or a script calls "
                "write_report outside of \"if __name__ == '__main__':\""
            ) from error
        except BaseException:
            processes.shutdown(cancel_futures=True)
            raise


def start_from_one() -> None:
    """Let processes that draw begin as copies of one that has loaded what they need, where the system can do that.

    Only for a process that is ours: whatever else it starts by :mod:`multiprocessing` becomes such a copy too.
    """
    if "forkserver" in get_all_start_methods():
        set_start_method("forkserver", force=True)
        set_forkserver_preload(PRELOADED)


def _context() -> BaseContext:
    """Return how processes are started; never by a fork of this one, whose threads it would not have."""
    return get_context("forkserver" if get_start_method(allow_none=True) == "forkserver" else "spawn")


def _started() -> None:
    """Load what draws."""
    for module in PRELOADED:
        import_module(module)


def _elsewhere(path: Path, work: Callable[[Hub, A], T], argument: A) -> T:
    return work(_hub(path), argument)


@cache
def _hub(path: Path) -> Hub:
    from vaehub.hub import Hub

    return Hub.open(path, device="cpu")


def _collected(submit: Submit, stored: Sequence[StoredMeasurement], most: int, advance: Advance) -> Found:
    found: Found = {}
    parts = [stored[at : at + PART] for at in range(0, len(stored), PART)]
    for done in as_completed([submit(_draw, (part, most)) for part in parts]):
        drawn = done.result()
        found |= drawn
        advance(len(drawn))
    return found


def _draw(hub: Hub, asked: tuple[Sequence[StoredMeasurement], int]) -> Found:
    stored, most = asked
    return {each.record.id: _own(hub, each, most) for each in stored}


def _own(hub: Hub, stored: StoredMeasurement, most: int) -> Picture | str | None:
    """Return what the metric of a measurement draws of it."""
    whole = _measurement(hub.store.with_arrays(stored))
    return _picture(lambda: hub.metric_plot(whole), f"the plot of metric {stored.record.metric!r}", most)


def _draw_together(hub: Hub, stored: Sequence[StoredMeasurement]) -> Picture | str | None:
    """Return the values of measurements of one metric, which draws none of them."""
    from vaehub.hub.overlays import overlay

    first, *others = map(_measurement, stored)

    def plot() -> Figure:
        return overlay([first, *others]) if others else hub.plot(first)

    return _picture(plot, "the plot of its values", GREATEST)


def _draw_table(_: Hub, table: ReportTable) -> Picture | str:
    found = _picture(table.plot, f"the plot of table {table.name!r}", GREATEST)
    assert found is not None, "a table has a picture or a reason"
    return found


def _measurement(stored: StoredMeasurement) -> Measurement:
    return Measurement(stored.record, stored.result, stored.training, reused=True)


def _picture(plot: Callable[[], Figure | None], title: str, most: int) -> Picture | str | None:
    try:
        figure = plot()
        return None if figure is None else picture_of(figure, most)
    except VaehubError as error:
        return str(error)
    except KeyboardInterrupt:
        raise
    # A stranger's plot runs here, and what it raises need be no Exception.
    except BaseException as error:  # noqa: BLE001
        return f"{title} failed: {first_line(error)}"
