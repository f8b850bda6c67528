"""What a study adds to its cells: the local pool and Dask, beside the same computations given to the bare engine.

Bare, two processes build, train and measure the same models, and store nothing.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Options, Row
from vaehub.core.progress import Advance, listening

if TYPE_CHECKING:
    from vaehub import Hub
    from vaehub.hub.study import Study

N_CELLS, N_MANY, N_WORKERS = 200, 1000, 2
LIMIT = 0.3
"""Seconds that each cell may take beyond what is computed."""
STARTUP = 10.0
"""Seconds in which worker processes start, and it is seen whether all can be done."""
STUDY = """
[recipe]
model = "vae"
"data.subset" = 500
"model.latent_dim" = 2
"train.epochs" = {epochs}
[axes]
seed = {seeds}
[metrics.elbo]
split = "train"
n_samples = 1
"""


def rows(_: Options) -> Iterator[Row]:
    """Measure both engines, and then how fast the pool is with cells that compute nearly nothing."""
    yield from _rows("local pool", lambda study: study.run(jobs=N_WORKERS), _in_processes)
    if find_spec("distributed") is not None:
        yield from _rows("Dask", _by_dask, _in_dask)
    rate, growth = _many()
    yield Row(
        f"{N_MANY} cells of 0 epochs, after the first {STARTUP:.0f} s", rate, None, "cells/s", None, "at least 20"
    )
    yield Row("growth of the submitting process meanwhile", growth, None, "MB", None, "under 100 MB")


def _rows(engine: str, ours: Callable[[Study], object], bare: Callable[[Study], object]) -> Iterator[Row]:
    what = f"{N_CELLS} cells by {engine}, {N_WORKERS} workers: "
    for name, taken, alone in zip(("seconds", "processor time"), _taken(ours), _taken(bare), strict=True):
        target = f"under {LIMIT} s more: {taken - alone:.3f} s"
        yield Row(f"{what}{name} a cell", taken, alone, "s", None, target)


def _taken(work: Callable[[Study], object]) -> tuple[float, float]:
    """Return the seconds and the processor time that each cell takes, the start of the engine included."""
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder), N_CELLS, 1)
        started, before = time.perf_counter(), _processor_time()
        work(study)
        return (time.perf_counter() - started) / N_CELLS, (_processor_time() - before) / N_CELLS


def _processor_time() -> float:
    """Return that of this process, and of those that it has started and that have ended."""
    return sum(os.times()[:4])


def _study(folder: Path, n: int, epochs: int) -> Study:
    from vaehub import Hub

    (folder / "cells.toml").write_text(STUDY.format(seeds=list(range(n)), epochs=epochs))
    return Hub.open(folder / "store", device="cpu").study(folder / "cells.toml")


def _in_processes(_: Study) -> None:
    with ProcessPoolExecutor(N_WORKERS, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        list(pool.map(_computed, range(N_CELLS)))


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"


def _in_dask(_: Study) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(_computed, range(N_CELLS)))


def _by_dask(study: Study) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=N_WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
        settings = {"executor.address": cluster.scheduler_address}
        study.run(jobs=N_WORKERS, executor="dask", settings=settings)


_hubs: list[Hub] = []
"""One in each process, so that it loads data once, as ours do."""


def _computed(seed: int) -> float:
    """Return the bound of a model that is trained here, with nothing stored."""
    from vaehub import Hub, ModelMetric
    from vaehub.hub.requests import metric_of
    from vaehub.training.fit import fit

    if not _hubs:
        _hubs.append(Hub.open(Path(tempfile.gettempdir()) / "nothing-is-stored", device="cpu"))
    hub = _hubs[0]
    builder = hub._runner.builder
    recipe = hub.recipe("vae", settings={"data.subset": 500, "model.latent_dim": 2, "train.epochs": 1}, seed=seed)
    job = builder.job(recipe)
    fit(job.model, job.data, recipe.train, seed=seed)
    _, metric = metric_of(hub.catalog, "elbo", {"split": "train", "n_samples": 1}, hub.store.training_id)
    return builder.metric(metric, ModelMetric, seed).measure(job.model, job.data).scalars["elbo"]


class _Ends:
    """Notes when each cell has ended, and how large this process is then."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.megabytes: list[float] = []

    @contextmanager
    def begin(self, label: str, total: int | None) -> Iterator[Advance]:
        yield partial(self._note, label)

    def _note(self, label: str, amount: int, note: str = "") -> None:
        if not label.startswith("study"):
            return  # it is only seen whether it can be done
        self.moments += [time.perf_counter()] * amount
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def _many() -> tuple[float, float]:
    """Return the cells in a second, and the megabytes by which this process grows from the first to the last."""
    ends = _Ends()
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder), N_MANY, 0)
        started = time.perf_counter()
        with listening(ends):
            study.run(jobs=N_WORKERS)
    late = [at for at in ends.moments if at - started >= STARTUP]
    return (len(late) - 1) / (late[-1] - late[0]), ends.megabytes[-1] - ends.megabytes[0]
