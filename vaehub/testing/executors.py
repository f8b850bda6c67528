"""What executors promise."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vaehub.core.errors import VaehubError
from vaehub.executors.executor import Executor, Job, JobState
from vaehub.testing.failures import Item, NotChecked
from vaehub.testing.guards import untouched
from vaehub.testing.parameters import check_params

SECONDS = 120
"""How long small jobs may take, the start of workers included."""


def small_work(text: str) -> bytes:
    """Do a job of the kit: leave a file that says so, if the text names one, and answer with the text."""
    if text == "fails":
        raise VaehubError("this job of the kit fails")
    Path(text).write_text("done", encoding="utf-8")
    return text.encode()


def check(item: Item, settings: Mapping[str, object] | None = None) -> None:
    """Note the promises of an executor that are not kept: three small jobs are done, of which one fails."""
    check_params(item)
    kind = item.attempt("cannot be loaded", lambda: item.registered.load(Executor))
    params = item.params(dict(settings or {}))
    with tempfile.TemporaryDirectory(prefix="vaehub-testing-") as name:
        folder = Path(name) / "executor"
        with untouched(item, "is made"):
            executor = item.attempt("cannot be made", lambda: kind(params, folder))
        if folder.exists():
            item.broken("makes its folder before there is anything to do", kind)
        jobs = [_job(Path(name), each) for each in ("one", "two", "fails")]
        try:
            executor.check(jobs[0])
        except VaehubError as error:
            raise NotChecked(f"{item.title} has no engine here: {error}") from error
        try:
            _check_jobs(item, executor, jobs)
        finally:
            item.attempt("fails as it is closed", executor.close)


def _check_jobs(item: Item, executor: Executor, jobs: Sequence[Job]) -> None:
    kind = type(executor)
    if known := item.attempt("fails as it is asked for unknown jobs", lambda: executor.states(["of nobody"])):
        item.broken(f"says the state of a job that nobody submitted: {known}", kind.states)
    item.attempt("fails as jobs are submitted", lambda: executor.submit(jobs))
    states = _ended(item, executor, [job.id for job in jobs])
    for job in jobs:
        state = states.get(job.id)
        path = Path(job.text)
        if state is None or state.phase != "ended":
            item.broken(f"has not ended a job that does nothing after {SECONDS} s", kind.submit)
        elif job.text == "fails":
            if not state.reason:
                item.broken("gives no reason for a job that failed", kind.states)
        elif executor.shares_disk and not path.exists():
            item.broken(f"says that a job has ended which was not done: {state.reason or 'no reason'}", kind.states)
        elif not executor.shares_disk and state.answer != job.text.encode():
            item.broken("shares no disk, and does not bring back what a job returned", kind.states)
    item.attempt("fails as jobs are cancelled that have ended", lambda: executor.cancel([job.id for job in jobs]))


def _ended(item: Item, executor: Executor, jobs: Sequence[str]) -> Mapping[str, JobState]:
    until = time.monotonic() + SECONDS
    while True:
        states = item.attempt("fails as it says states", lambda: executor.states(jobs))
        if time.monotonic() > until or all(name in states and states[name].phase == "ended" for name in jobs):
            return states
        time.sleep(executor.interval)


def _job(folder: Path, name: str) -> Job:
    text = name if name == "fails" else str(folder / f"{name}.txt")
    file = folder / f"{name}.json"
    file.write_text(text, encoding="utf-8")
    return Job(f"kit-{name}", text, small_work, file)
