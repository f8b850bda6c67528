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

ALL_PICTURES = 3_400_000
"""Bytes of all pictures of a page."""
LEAST, GREATEST = 8_000, 60_000
"""Bytes of one picture as SVG."""
MOST_PICTURES = 300
"""Pictures of a page: each takes about a tenth of a second of one core."""
FEW = 24
"""Pictures that are drawn sooner than other processes have started."""
PART = 8
"""Pictures that a process draws at a time."""


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


def draw(hub: Hub, metrics: Mapping[str, str]) -> Drawn:
    """Return the pictures of measurements, drawn from stored values alone.

    Args:
        hub: Where they are stored.
        metrics: Metric of each measurement by its id, in the order in which they are to be drawn, until there are
            enough.

    Raises:
        VaehubError: If matplotlib is missing, or arrays are damaged.
        WorkFailed: If a process that draws ends before it is done.
    """
    require_matplotlib()
    # One of each metric tells which of them draw anything, and thus how many pictures share the page.
    first = list({metric: name for name, metric in reversed(list(metrics.items()))}.values())
    with task("drawing", min(len(metrics), MOST_PICTURES)) as advance, _pool(hub, len(metrics)) as submit:
        found = _collected(submit, [[name] for name in first], GREATEST, advance)
        without = {metrics[name] for name, each in found.items() if each is None}
        others = [name for name, metric in metrics.items() if name not in found and metric not in without]
        n_left = MOST_PICTURES - len(found)
        wanted = others[:n_left]
        most = max(LEAST, min(GREATEST, ALL_PICTURES // (len(wanted) + len(found))) if wanted else GREATEST)
        found |= _collected(submit, [wanted[at : at + PART] for at in range(0, len(wanted), PART)], most, advance)
    pictures = {name: each for name, each in found.items() if isinstance(each, Picture)}
    reasons = {name: each for name, each in found.items() if isinstance(each, str)}
    return Drawn(pictures, reasons, others[n_left:])


Found = dict[str, Picture | str | None]
"""Of each measurement its picture, why it has none, or nothing where its metric draws none."""
Submit = Callable[[Sequence[str], int], "Future[Found]"]


@contextmanager
def _pool(hub: Hub, n: int) -> Iterator[Submit]:
    """Give what draws some measurements: this process, or several others where there are many."""
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
            yield lambda ids, most: processes.submit(_draw_elsewhere, hub.store.path, ids, most)
        except BrokenProcessPool as error:
            raise WorkFailed(
                "a process that draws pictures ended before it was done: memory was short, or a script calls "
                "write_report outside of \"if __name__ == '__main__':\""
            ) from error
        except BaseException:
            processes.shutdown(cancel_futures=True)
            raise


def _collected(submit: Submit, parts: Sequence[Sequence[str]], most: int, advance: Advance) -> Found:
    found: Found = {}
    for done in as_completed([submit(part, most) for part in parts]):
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
