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
from typing import TypeVar, cast

from vaehub.core.errors import WorkFailed
from vaehub.core.progress import current_listener
from vaehub.hub.study.grid import Job
from vaehub.hub.study.record_keeper import LULL, RecordKeeper
from vaehub.hub.study.worker_memory import WorkerMemory
from vaehub.hub.study.worker_process import Ended, PlanJob, StoreCall, StoreReply, Threads, work
from vaehub.hub.study.worker_progress import ShownTasks, TaskNews
from vaehub.store.store import Store
from vaehub.training.devices import device_names, find_devices, is_cpu_alone
from vaehub.training.threads import SETTINGS, n_cores

THREAD_SETTINGS = (*SETTINGS, "OPENBLAS_NUM_THREADS")
"""Read by libraries when they are loaded, which is before a worker can say anything."""
PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""
_SPAWNING = threading.Lock()
"""A child reads the environment while it starts; another thread that changes it then makes the start fail."""

Work = TypeVar("Work", bound=Job | PlanJob)


def worker_devices(device: str, jobs: int | None) -> list[str]:
    """Return the devices of workers, which are looked for here only if there is need: that loads torch.

    Args:
        device: What the user named.
        jobs: How many workers were asked for; if ``None``, devices decide.

    Raises:
        VaehubError: If a device is not there.
    """
    names = list(device_names(device))
    if is_cpu_alone(device):
        return ["cpu"]
    return names if names == ["auto"] and jobs is not None else [str(each) for each in find_devices(device)]


def usual_jobs(devices: Sequence[str]) -> int:
    """Return the number of workers where nobody has said: one for each core, or for each accelerator."""
    return n_cores() if devices[0] == "cpu" else len(devices)


class DiedTrying(WorkFailed):
    """A worker died, or was killed, while it tried whether a job can be done: whether it can remains unknown."""

    def __init__(self, message: str, job: Job | PlanJob) -> None:
        super().__init__(message)
        self.job = job


class Pool:
    """Processes that do jobs, as many as memory allows.

    Args:
        size: How many processes.
        store: Where they look, and record.
        devices: Where they compute, as many on each as on any other.
        shows_progress: Whether the progress of workers is shown by this process, if it shows any.
    """

    def __init__(self, size: int, store: Store, devices: Sequence[str], *, shows_progress: bool = False) -> None:
        self._size = size
        self._store = store.path
        self._devices = devices
        self._threads = Threads.among(size)
        self._memory = WorkerMemory()
        self._keeper = RecordKeeper(store)
        self._shows_progress = shows_progress and current_listener.get() is not None
        self._workers: list[_Worker] = []
        self._waiting: deque[Job | PlanJob] = deque()

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
        for job, ended in self.ended(jobs, until):
            yield job, dict(ended.failures)

    def begin_no_more(self) -> None:
        """Begin none of the jobs that still wait; those that have begun go on to their end."""
        self._waiting.clear()

    def ended(self, jobs: Sequence[Work], until: float = math.inf) -> Iterator[tuple[Work, Ended]]:
        """Yield each job when it has ended, and how; arguments and errors as of :meth:`run`."""
        self._waiting = deque(jobs)
        while self._waiting or self.n_busy:
            self._give_out()
            lines = {worker.line: worker for worker in self._workers}
            ready = self._ready(list(lines), until)
            if time.monotonic() >= until:
                self._keeper.let_go()
                self._stop_work()
                return
            for line in ready:
                worker = lines[line]  # type: ignore[index]
                if worker not in self._workers:  # ended meanwhile, as memory was short
                    continue
                job = cast("Work | None", worker.job)
                try:
                    said = worker.line.recv()
                except (EOFError, OSError):
                    worker.tasks.end()
                    self._workers.remove(worker)
                    if job is not None and job.dry:
                        raise DiedTrying(worker.death(), job) from None
                    if job is not None:
                        yield job, Ended(dict.fromkeys(job.wanted, worker.death()), is_dead=True)
                    continue
                if isinstance(said, Ended):
                    worker.job = None
                    self._memory.taken(said.n_bytes)
                    if said.error is None:  # else the caller may want no more to begin
                        self._give_out()
                    assert job is not None, "only who has a job can end it"
                    yield job, said
                elif isinstance(said, TaskNews):
                    worker.tasks.tell(said)
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

    def start(self, n: int) -> None:
        """Start so many workers, or as many as there may be, before there are jobs: they load their libraries."""
        self._start(self._n_allowed(min(n, self._size)))

    def _start(self, n: int) -> None:
        while len(self._workers) < n:
            self._workers.append(
                _Worker(
                    self._store,
                    self._free_device(),
                    self._threads,
                    n_workers=self._size,
                    shows_progress=self._shows_progress,
                )
            )

    def _n_allowed(self, wanted: int) -> int:
        return self._memory.n_workers(wanted, [worker.pid for worker in self._workers])

    def _give_out(self) -> None:
        """Give jobs to idle workers, and start more: all that memory allows, of which one has a job at first.

        What that one takes decides how many there may be.
        """
        if not self._waiting:
            return
        wanted = min(self._size, self.n_busy + len(self._waiting))
        allowed = self._n_allowed(wanted)
        if allowed < wanted:
            for worker in self._idle()[: max(0, len(self._workers) - allowed)]:
                worker.end()
                self._workers.remove(worker)
        most = allowed if self._memory.is_known else 1
        self._start(most)
        # The first to have a job and the last to be ended is the oldest, which has data in memory.
        for worker in reversed(self._idle()):
            if self._waiting and self.n_busy < most:
                worker.take(self._waiting.popleft())

    def _idle(self) -> list[_Worker]:
        """Return the workers that have no job, the youngest first."""
        return [worker for worker in reversed(self._workers) if worker.job is None]

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

    def __init__(self, store: Path, device: str, threads: Threads, *, n_workers: int, shows_progress: bool) -> None:
        context = get_context("spawn")
        self.device = device
        self.job: Job | PlanJob | None = None
        self.tasks = ShownTasks()
        self.line, theirs = context.Pipe()
        with _SPAWNING, _environment(dict.fromkeys(THREAD_SETTINGS, str(threads.number))):
            self._process: BaseProcess = context.Process(
                target=work,
                args=(theirs, store, device, threads),
                kwargs={"n_workers": n_workers, "shows_progress": shows_progress},
                daemon=True,
            )
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process.pid is not None, "it was started"
        return self._process.pid

    def take(self, job: Job | PlanJob) -> None:
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
        self.tasks.end()
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
