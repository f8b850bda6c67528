"""Jobs as tasks of a Dask cluster, whose scheduler decides when and where they run, and tries those of dead workers."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from vaehub import VaehubError, WorkFailed, first_line
from vaehub.executors import Executor, Job, JobState
from vaehub.plugins.executors.dask.params import DaskParams

log = logging.getLogger(__name__)


@final
class Dask(Executor[DaskParams]):
    """A client of a cluster. Jobs end with it, since its scheduler forgets tasks that nobody waits for."""

    interval = 0.5

    def __init__(self, params: DaskParams, folder: Path) -> None:
        super().__init__(params, folder)
        self._cluster: Any = None
        self._client: Any = None
        self._futures: dict[str, Any] = {}
        self._is_deserted = False

    @property
    def shares_disk(self) -> bool:
        """Whether workers see the folder of the store, as the user says."""
        return self.params.shared_disk

    def check(self, probe: Job) -> None:
        """Refuse a scheduler that does not answer, has no fitting workers, or whose workers cannot do such jobs."""
        client = self._connected()
        try:
            client.wait_for_workers(1, timeout=self.params.wait)
        except TimeoutError as error:
            raise VaehubError(
                f"the Dask scheduler at {self._where} has no worker, and none came within {self.params.wait:g} s; "
                "start some with 'dask worker', or raise 'executor.wait'"
            ) from error
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        for name, needed in self.params.resources.items():
            if all(each.get("resources", {}).get(name, 0) < needed for each in workers):
                raise VaehubError(
                    f"no worker of the Dask scheduler at {self._where} has {needed:g} of resource {name!r}, so that "
                    "jobs would wait for ever; start workers with '--resources', or set 'executor.resources'"
                )
        for worker, answer in client.run(probe.work, probe.text, on_error="return").items():
            if isinstance(answer, VaehubError):
                raise answer
            if isinstance(answer, BaseException):
                why = f"{type(answer).__name__}: {first_line(answer)}"
                raise VaehubError(
                    f"Dask worker {worker} cannot do jobs of vaehub: {why}; install the same there as here"
                )

    def submit(self, jobs: Sequence[Job]) -> None:
        """Give the scheduler a task for each job."""
        # A key that the scheduler has had would be answered with what it made then.
        token = uuid4().hex[:8]
        client = self._connected()
        for job in jobs:
            self._futures[job.id] = client.submit(
                job.work,
                job.text,
                key=f"vaehub-{job.id}-{token}",
                retries=self.params.retries,
                resources=self.params.resources or None,
                pure=False,
            )

    def states(self, jobs: Collection[str]) -> Mapping[str, JobState]:
        """Return the states of tasks; of one that failed, what it raised or how its workers died."""
        known = {name: self._futures[name] for name in jobs if name in self._futures}
        if known and self._client.status != "running":
            raise WorkFailed(f"the Dask scheduler at {self._where} has gone")
        taken = self._client.processing() if known else {}
        self._note_workers(len(taken), n_waiting=sum(future.status == "pending" for future in known.values()))
        processing = {key for keys in taken.values() for key in keys}
        return {name: _state(future, processing) for name, future in known.items()}

    def cancel(self, jobs: Collection[str]) -> None:
        """Have the scheduler forget tasks."""
        self._connected().cancel([self._futures.pop(name) for name in jobs if name in self._futures])

    def close(self) -> None:
        """Leave the scheduler, and end the cluster if it was made here."""
        client, cluster = self._client, self._cluster
        self._client = self._cluster = None
        try:
            if client is not None:
                client.close()
        finally:
            if cluster is not None:
                cluster.close()

    def _note_workers(self, n_workers: int, *, n_waiting: int) -> None:
        """Warn when the last worker has gone: Dask itself would wait for another without a word."""
        if n_workers == 0 and n_waiting and not self._is_deserted:
            log.warning(
                "the Dask scheduler at %s has no worker any more, and jobs wait until one comes; Ctrl-C ends this, and "
                "the same command goes on from what was made",
                self._where,
            )
        self._is_deserted = n_workers == 0

    @property
    def _where(self) -> str:
        return repr(self.params.address or self.params.cluster)

    def _connected(self) -> Any:
        if self._client is None:
            try:
                from distributed import Client

                # What scheduler and workers have to say is in their own logs.
                logging.getLogger("distributed").setLevel(logging.CRITICAL)
            except ImportError as error:
                raise VaehubError(
                    f"executor 'dask' needs the package 'distributed' ({first_line(error)}); install vaehub[dask]"
                ) from error
            target = self.params.address or self._made()
            try:
                self._client = Client(target, timeout=self.params.wait, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                raise VaehubError(
                    f"no Dask scheduler answers at {self._where} within {self.params.wait:g} s; start one with 'dask "
                    "scheduler', and set 'executor.address' to what it prints"
                ) from error
        return self._client

    def _made(self) -> Any:
        """Return the cluster, or the address, that the user's function gives."""
        named = self.params.cluster or ""
        module, _, function = named.rpartition(":")
        try:
            self._cluster = getattr(_module(module), function)()
        except KeyboardInterrupt:
            raise
        # The user's own code runs here, and what it raises need be no Exception.
        except BaseException as error:
            why = f"{type(error).__name__}: {first_line(error)}"
            raise VaehubError(
                f"no Dask cluster is made by {named!r}: {why}; 'executor.cluster' is 'module:function' or "
                "'./file.py:function', called without arguments"
            ) from error
        made = self._cluster
        if isinstance(made, str):
            self._cluster = None
        return made


def _module(name: str) -> Any:
    if not name.endswith(".py"):
        return import_module(name)
    path = Path(name).expanduser().resolve()
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None, "a name that ends in .py has a loader"
    assert spec.loader is not None, "a file has one"
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _state(future: Any, processing: Collection[str]) -> JobState:
    if future.status == "pending":
        return JobState("running" if future.key in processing else "queued")
    if future.status == "finished":
        return JobState("ended", answer=future.result())
    if future.status == "error":
        error = future.exception()
        return JobState("ended", reason=f"{type(error).__name__}: {first_line(error)}")
    return JobState("ended", reason=f"Dask says that its task is {future.status}")
