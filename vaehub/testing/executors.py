"""What executors promise."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vaehub.core.errors import VaehubError
from vaehub.executors.executor import Executor, Job, JobState
from vaehub.hub.study import grid
from vaehub.hub.study.job_text import job_id, plain_work, probe_text, text_of
from vaehub.hub.study.job_work import work
from vaehub.hub.study.remote_pool import lawful
from vaehub.store.deliveries import Deliveries
from vaehub.store.store import Store
from vaehub.testing.bench import bench
from vaehub.testing.failures import Item, NotChecked
from vaehub.testing.guards import class_of, untouched
from vaehub.testing.parameters import check_params

SECONDS = 120
"""How long small jobs may take, the start of workers included."""
SMALL = {"train.epochs": 0, "data.subset": 50, "network.hidden": [8], "model.latent_dim": 2}


def check(item: Item, settings: Mapping[str, object] | None = None) -> None:
    """Note the promises of an executor that are not kept: three small jobs are given to it, of which one fails."""
    kind = class_of(item, Executor)
    check_params(item)
    params = item.params(dict(settings or {}))
    with tempfile.TemporaryDirectory(prefix="vaehub-testing-") as name:
        store = Store.open(Path(name) / "store")
        store.prepare()
        folder = store.path / "executor"
        with untouched(item, "is made"):
            executor = item.attempt("cannot be made", lambda: kind(params, folder))
        if folder.exists():
            item.broken("makes its folder before there is anything to do", kind)
        seen = store.path if executor.shares_disk else None
        try:
            executor.check(_laid(store.deliveries, "kit-probe", probe_text("kit-probe", seen)))
        except VaehubError as error:
            raise NotChecked(f"{item.title} has no engine here: {error}") from error
        good = [_training(store.deliveries, seen, seed) for seed in (0, 1)]
        # A worker refuses what is of another version, and says so.
        bad = _training(store.deliveries, seen, 2, vaehub="0")
        try:
            _check_jobs(item, executor, store.deliveries, good, bad)
        finally:
            item.attempt("fails as it is closed", executor.close)


def _check_jobs(item: Item, executor: Executor, deliveries: Deliveries, good: Sequence[Job], bad: Job) -> None:
    kind = type(executor)
    if known := item.attempt(
        "fails as it is asked for unknown jobs", lambda: lawful(executor.states(["of nobody"]), item.title, executor)
    ):
        item.broken(f"says the state of a job that nobody submitted: {known}", kind.states)
    ids = [job.id for job in (*good, bad)]
    item.attempt("fails as jobs are submitted", lambda: executor.submit([*good, bad]))
    states = _ended(item, executor, ids)
    for job in ids:
        state = states.get(job)
        if state is None or state.phase != "ended":
            item.broken(f"has not ended a job that does nearly nothing after {SECONDS} s", kind.submit)
        elif job == bad.id:
            if not state.reason:
                item.broken("gives no reason for a job that failed", kind.states)
        elif executor.shares_disk and deliveries.outcome(job) is None:
            item.broken(f"says that a job has ended which was not done: {state.reason or 'no reason'}", kind.states)
        elif not executor.shares_disk and not state.answer:
            item.broken("shares no disk, and does not bring back what a job returned", kind.states)
    item.attempt("fails as jobs are cancelled that have ended", lambda: executor.cancel(ids))
    item.attempt("fails as an unknown job is cancelled", lambda: executor.cancel(["of nobody"]))


def _ended(item: Item, executor: Executor, jobs: Sequence[str]) -> Mapping[str, JobState]:
    until = time.monotonic() + SECONDS
    while True:
        states = item.attempt("fails as it says states", lambda: lawful(executor.states(jobs), item.title, executor))
        if time.monotonic() > until or all(name in states and states[name].phase == "ended" for name in jobs):
            return states
        time.sleep(executor.interval)


def _training(deliveries: Deliveries, store: Path | None, seed: int, **other: str) -> Job:
    """Return a job of a study, laid down as a study does."""
    job = grid.Job([bench().hub.recipe("vae", settings=SMALL, seed=seed)])
    text = text_of(job, plain_work(job), store=store, known={}, device="cpu", more=other)
    return _laid(deliveries, job_id(job), text)


def _laid(deliveries: Deliveries, name: str, text: str) -> Job:
    deliveries.lay(name, text)
    return Job(name, text, work, deliveries.file_of(name))
