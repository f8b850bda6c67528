"""Jobs in processes of Python's own pool."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import vaehub
from vaehub import Field
from vaehub.executors import Executor, Job, JobState


class ProcessesParams(vaehub.Params):
    size: int = Field(2, gt=0, description="processes")


class Processes(Executor[ProcessesParams]):
    def __init__(self, params: ProcessesParams, folder: Path) -> None:
        super().__init__(params, folder)
        self._pool = ProcessPoolExecutor(params.size, mp_context=get_context("spawn"))
        self._futures: dict[str, Future[bytes]] = {}

    def submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._futures[job.id] = self._pool.submit(job.work, job.text)

    def states(self, jobs: Collection[str]) -> Mapping[str, JobState]:
        return {name: state_of(self._futures[name]) for name in jobs if name in self._futures}

    def cancel(self, jobs: Collection[str]) -> None:
        for name in jobs:
            if name in self._futures:
                self._futures[name].cancel()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def state_of(future: Future[bytes]) -> JobState:
    if not future.done():
        return JobState("running" if future.running() else "queued")
    error = None if future.cancelled() else future.exception()
    return JobState("ended", reason=f"{type(error).__name__}: {error}" if error else "")
