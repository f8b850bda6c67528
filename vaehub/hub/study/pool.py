"""Worker processes on this machine, one job each at a time; one that dies takes nothing along but its job."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from vaehub.core.errors import WorkFailed
from vaehub.hub.study.grid import Job
from vaehub.hub.study.record_keeper import LULL, RecordKeeper
from vaehub.hub.study.worker_process import Ended, StoreCall, StoreReply, Threads, work
from vaehub.store.store import Store
from vaehub.training.threads import SETTINGS

THREAD_SETTINGS = (*SETTINGS, "OPENBLAS_NUM_THREADS")
"""Read by libraries when they are loaded, which is before a worker can say anything."""
MOST_JOBS = 1000
"""Workers that a machine could start; each takes some hundred megabytes."""
PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""
_SPAWNING = threading.Lock()
"""A child reads the environment while it starts; another thread that changes it then makes the start fail."""


class DiedTrying(WorkFailed):
    """A worker died, or was killed, while it tried whether a job can be done: whether it can remains unknown."""

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job = job


class Pool:
    """Processes that do jobs.

    Args:
        size: How many processes.
        store: Where they look, and record.
        devices: Where they compute, as many on each as on any other.
    """

    def __init__(self, size: int, store: Store, devices: Sequence[str]) -> None:
        self._size = size
        self._store = store.path
        self._devices = devices
        self._threads = Threads.among(size)
        self._keeper = RecordKeeper(store)
        self._workers: list[_Worker] = []

    @property
    def n_busy(self) -> int:
        """Workers that have a job."""
        return sum(worker.job is not None for worker in self._workers)

    @contextmanager
    def running(self) -> Iterator[Pool]:
        """Stop the workers when the context ends: at once, if it does by an error or an interruption."""
        try:
            yield self
            for worker in self._workers:
                worker.dismiss()
        finally:
            for worker in self._workers:
                worker.end()
            self._workers = []
            self._keeper.let_go()

    def run(self, jobs: Sequence[Job], until: float = math.inf) -> Iterator[tuple[Job, dict[str, str]]]:
        """Yield each job when it has ended, with the reasons for which measurements of it could not be made.

        Args:
            jobs: In the order in which they are begun.
            until: Moment, as of ``time.monotonic``, at which whoever is still at work is stopped; nothing is said of
                jobs that have not ended then.

        Raises:
            DiedTrying: If a worker dies while it tries whether a job can be done.
        """
        waiting = deque(jobs)
        while waiting or self.n_busy:
            self._give_out(waiting)
            lines = {worker.line: worker for worker in self._workers}
            ready = self._ready(list(lines), until)
            if time.monotonic() >= until:
                self._keeper.let_go()
                self._stop_work()
                return
            for line in ready:
                worker = lines[line]  # type: ignore[index]
                job = worker.job
                try:
                    said = worker.line.recv()
                except (EOFError, OSError):
                    self._workers.remove(worker)
                    if job is not None and job.dry:
                        raise DiedTrying(worker.death(), job) from None
                    if job is not None:
                        yield job, dict.fromkeys(job.wanted, worker.death())
                    continue
                if isinstance(said, Ended):
                    worker.job = None
                    self._give_out(waiting)
                    assert job is not None, "only who has a job can end it"
                    yield job, dict(said.failures)
                else:
                    worker.answer(self._answer(said))
        self._keeper.let_go()

    def _ready(self, lines: Sequence[Connection], until: float) -> Sequence[object]:
        """Wait for workers to say something; the database is not held while they compute."""
        if self._keeper.holds:
            if not self._keeper.is_due and (ready := wait(lines, LULL)):
                return ready
            self._keeper.let_go()
        return wait(lines, None if until == math.inf else max(0.0, until - time.monotonic()))

    def _give_out(self, waiting: deque[Job]) -> None:
        idle = [worker for worker in self._workers if worker.job is None]
        while waiting and (idle or len(self._workers) < self._size):
            if not idle:
                idle.append(_Worker(self._store, self._free_device(), self._threads))
                self._workers.append(idle[0])
            worker = idle.pop()
            worker.take(waiting.popleft())

    def _free_device(self) -> str:
        """Return the device with the fewest workers: where one died, another takes its place."""
        taken = [worker.device for worker in self._workers]
        return min(self._devices, key=taken.count)

    def _stop_work(self) -> None:
        for worker in [worker for worker in self._workers if worker.job is not None]:
            worker.end()
            self._workers.remove(worker)

    def _answer(self, call: StoreCall) -> StoreReply:
        try:
            return StoreReply(self._keeper.serve(call))
        # The worker raises it where it asked.
        except Exception as error:  # noqa: BLE001
            return StoreReply(error=error)


class _Worker:
    """One process and the line to it."""

    def __init__(self, store: Path, device: str, threads: Threads) -> None:
        context = get_context("spawn")
        self.device = device
        self.job: Job | None = None
        self.line, theirs = context.Pipe()
        with _SPAWNING, _environment(dict.fromkeys(THREAD_SETTINGS, str(threads.number))):
            self._process: BaseProcess = context.Process(
                target=work, args=(theirs, store, device, threads), daemon=True
            )
            self._process.start()
        theirs.close()

    def take(self, job: Job) -> None:
        self.job = job
        self._send(job)

    def answer(self, reply: StoreReply) -> None:
        self._send(reply)

    def death(self) -> str:
        """Return how the process died, as a record says it."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
        return f"the worker process ended {how}"

    def dismiss(self) -> None:
        self._send(None)
        self._process.join(PATIENCE)

    def _send(self, message: object) -> None:
        # One that has died is noticed when it is listened to.
        with suppress(OSError):
            self.line.send(message)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.line.close()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
