"""Jobs on an engine: laid down, handed to its executor, and collected when they have ended, whoever waits for them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from filelock import FileLock, Timeout

from vaehub.core.errors import ContractBroken, VaehubError, WorkFailed, described, first_line
from vaehub.core.identity import Json
from vaehub.core.params import parse
from vaehub.executors import Executor, JobState
from vaehub.executors import Job as EngineJob
from vaehub.hub.study.grid import Job
from vaehub.hub.study.job_text import job_id, named_trainings, plain_work, probe_text, text_of, wanted_of
from vaehub.hub.study.job_work import work
from vaehub.hub.study.small_store import unpacked
from vaehub.registry.catalog import Catalog
from vaehub.registry.places import package_of, place_of, place_of_error
from vaehub.store.store import Store

GRACE = 5.0
"""Seconds that the record of a job's end may take from the worker to here, after the engine says that it is over."""
PATIENCE = 60.0
"""Seconds for which an engine may give no answer, as while its controller is started again."""
LOOK = 0.1
"""Seconds between two looks at what has ended."""
SUBMITTERS = "submitters"

T = TypeVar("T")


@dataclass(frozen=True)
class Engine:
    """An executor by its name and parameters, as users and jobs name it."""

    name: str
    params: Mapping[str, Any]

    def outlives(self, catalog: Catalog) -> bool:
        """Return whether its jobs go on when the command that submitted them has ended.

        Raises:
            VaehubError: If there is none of this name.
        """
        return catalog.find("executor", self.name).load(Executor).outlives

    def executor(self, catalog: Catalog, store: Store) -> Executor:
        """Return the executor.

        Raises:
            VaehubError: If there is none of this name, or a parameter is wrong.
        """
        found = catalog.find("executor", self.name)
        params = parse(found.load_params(), self.params, owner=found.title)
        kind, folder = found.load(Executor), store.path.absolute() / "executors" / found.entry.name
        return _asked(self.name, "__init__", lambda: kind(params, folder), kind)

    def states(self, catalog: Catalog, store: Store, jobs: Collection[str]) -> Mapping[str, JobState]:
        """Return the states of jobs that another process has submitted; raises as :meth:`Executor.states`."""
        executor = self.executor(catalog, store)
        with _let_go(self.name, executor):
            return lawful(
                _asked(self.name, "states", lambda: executor.states(jobs), type(executor)),
                f"executor {self.name!r}",
                executor,
            )


class RemotePool:
    """Does jobs as a :class:`vaehub.hub.study.pool.Pool` does, on an engine.

    Args:
        engine: Which one.
        store: Where records are kept, and jobs laid down.
        catalog: Where the executor is looked up.
        device: Where workers compute.

    Raises:
        VaehubError: If there is no such executor, or a parameter of it is wrong.
    """

    def __init__(self, engine: Engine, store: Store, catalog: Catalog, device: str) -> None:
        self._engine = engine
        self._store = store
        self._device = device
        self._executor = engine.executor(catalog, store)
        self._token = uuid4().hex[:12]
        self._last_answer = time.monotonic()
        self.n_busy = 0

    @contextmanager
    def running(self) -> Iterator[RemotePool]:
        """Keep the engine until the context ends; jobs that it does without this process go on."""
        folder = self._store.deliveries.folder / SUBMITTERS
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / f"{self._token}.lock"
        try:
            # It is held as long as this process lives: others see by it whether anybody still waits for its jobs.
            with _let_go(self._engine.name, self._executor), FileLock(lock):
                yield self
        finally:
            lock.unlink(missing_ok=True)
            for empty in (folder, folder.parent, self._store.path):  # left so where the engine refused all
                with suppress(OSError):
                    empty.rmdir()

    def check(self) -> None:
        """Refuse an engine that cannot do jobs, before anything is submitted.

        Raises:
            VaehubError: If it cannot.
        """
        probe = f"probe-{self._token}"
        deliveries = self._store.deliveries
        deliveries.lay(probe, probe_text(probe, self._seen_store))
        try:
            self._asked(
                "check", lambda: self._executor.check(self._given(probe, deliveries.file_of(probe).read_text()))
            )
        finally:
            deliveries.remove([probe])

    def run(self, jobs: Sequence[Job], until: float = math.inf) -> Iterator[tuple[Job, dict[str, str]]]:
        """Yield each job when it has ended and been collected, with the reasons for what of it could not be made.

        Args:
            jobs: What is to be done.
            until: Moment, as of ``time.monotonic``, at which no more is waited for.

        Raises:
            VaehubError: If the engine refuses the jobs, or its workers do.
            WorkFailed: If it has not answered for a minute; what was submitted is collected by the next run.
        """
        waiting = self._adopted(jobs)
        adopted = {id(job) for job in waiting.values()}
        waiting |= self._submitted([job for job in jobs if id(job) not in adopted])
        states: Mapping[str, JobState] = {}
        gone: dict[str, float] = {}
        asked = -math.inf
        while waiting:
            if time.monotonic() - asked >= self._executor.interval:
                states, asked = self._states(list(waiting)), time.monotonic()
                self.n_busy = sum(state.phase == "running" for state in states.values())
                gone = {name: gone.get(name, asked) for name in waiting if _is_over(states.get(name))}
            # An end that the engine knows of is looked at by name, since lists of folders may come late.
            over = (gone.keys() | self._store.deliveries.ended()) & waiting.keys()
            yield from self._collected(sorted(over), waiting, gone, states)
            if time.monotonic() >= until:
                return
            if waiting:
                time.sleep(min(self._executor.interval, LOOK, max(0.0, until - time.monotonic())))

    def _collected(
        self, over: Sequence[str], waiting: dict[str, Job], gone: Mapping[str, float], states: Mapping[str, JobState]
    ) -> Iterator[tuple[Job, dict[str, str]]]:
        deliveries = self._store.deliveries
        outcomes: dict[str, dict[str, str] | None] = {}
        for name in over:
            said = deliveries.outcome(name)
            if name in states and states[name].answer:
                outcomes[name] = self._merged(waiting[name], states[name].answer)
            elif said is not None:
                failures, refused = said
                if refused:
                    self._give_up(waiting)
                    raise VaehubError(refused)
                outcomes[name] = failures
            elif not deliveries.file_of(name).is_file():
                outcomes[name] = {}  # another process has collected it
            elif name in gone and time.monotonic() - gone[name] >= GRACE:
                outcomes[name] = None
        self._store.collect(set(outcomes), are_over=True)
        for name, made in outcomes.items():
            job = waiting.pop(name)
            if made is None:
                reason = (states[name].reason if name in states else "") or "the engine knows nothing of it any more"
                made = dict.fromkeys(job.wanted, f"its job on {self._engine.name!r} was lost: {reason}")
            yield job, made

    def _merged(self, job: Job, answer: bytes) -> dict[str, str]:
        """Merge the small store of a job, and return the reasons for what could not be made."""
        with unpacked(answer) as (small, failures):
            if small is not None:
                self._store.merge(small)
        with self._store.session() as session:
            absent = job.wanted.keys() - failures.keys() - session.outcomes(list(job.wanted)).keys()
        why = (
            f"its worker on {self._engine.name!r} trained other weights than the store has of the same training, and "
            "what was measured of those was left out; 'vaehub run --force' makes both anew"
        )
        return failures | dict.fromkeys(absent, why)

    def _submitted(self, jobs: Sequence[Job]) -> dict[str, Job]:
        """Lay jobs down and submit them, all or none."""
        works = {job_id(job): (job, plain_work(job)) for job in jobs}
        with self._store.session() as session:
            named = {each for _, plain in works.values() for each in named_trainings(plain)}
            known = session.known(sorted(named)) if self._executor.shares_disk else {}
        more: dict[str, Json] = {"executor": self._engine.name, "params": dict(self._engine.params)}
        # Where workers do not see the store, neither do they see its weights: they train what they measure.
        store = self._seen_store
        given = []
        try:
            for name, (job, plain) in works.items():
                needed = {each: known[each] for each in sorted(named_trainings(plain) & known.keys())}
                text = text_of(
                    job,
                    plain,
                    store=store,
                    known=needed,
                    device=self._device,
                    more={**more, "submitter": self._token},
                )
                self._store.deliveries.lay(name, text)
                given.append(self._given(name, text))
            if given:
                self._asked("submit", lambda: self._executor.submit(given))
        except BaseException:
            self._give_up(works)
            raise
        return {name: job for name, (job, _) in works.items()}

    def _adopted(self, jobs: Sequence[Job]) -> dict[str, Job]:
        """Return those jobs that an earlier run has submitted and the engine still has, and remove those it has not."""
        laid = {
            name: asked
            for name, asked in self._store.deliveries.jobs().items()
            if asked.get("executor") == self._engine.name and not is_waited_for(self._store, asked["submitter"])
        }
        states = self._states(list(laid)) if laid and self._executor.outlives else {}
        alive = {name for name in laid if not _is_over(states.get(name))}
        self._store.collect(laid.keys() - alive, are_over=True)
        found: dict[str, Job] = {}
        left = list(jobs)
        for name in sorted(alive):
            same = next((job for job in left if job.wanted.keys() <= set(wanted_of(laid[name]))), None)
            if same is not None:
                left.remove(same)
                found[name] = same
        return found

    def _states(self, names: Sequence[str]) -> Mapping[str, JobState]:
        try:
            found = self._asked("states", lambda: self._executor.states(names))
        except VaehubError as error:
            if time.monotonic() - self._last_answer < PATIENCE:
                # Nothing is known, so that nothing has ended.
                return dict.fromkeys(names, JobState("queued"))
            raise WorkFailed(
                f"executor {self._engine.name!r} has not answered for {PATIENCE:g} s: {error}; the same command "
                "collects what has been made, and goes on"
            ) from error
        self._last_answer = time.monotonic()
        return lawful(found, f"executor {self._engine.name!r}", self._executor)

    def _give_up(self, names: Collection[str]) -> None:
        """Take all back that was laid down."""
        with suppress(VaehubError):
            self._asked("cancel", lambda: self._executor.cancel(list(names)))
        self._store.deliveries.remove(names)

    @property
    def _seen_store(self) -> Path | None:
        return self._store.path.absolute() if self._executor.shares_disk else None

    def _given(self, name: str, text: str) -> EngineJob:
        return EngineJob(name, text, work, self._store.deliveries.file_of(name).absolute())

    def _asked(self, what: str, call: Callable[[], T]) -> T:
        return _asked(self._engine.name, what, call, type(self._executor))


def _asked(name: str, what: str, call: Callable[[], T], kind: type) -> T:
    try:
        return call()
    except (VaehubError, KeyboardInterrupt):
        raise
    # A stranger's executor runs here, and what it raises need be no Exception.
    except BaseException as error:
        place = place_of_error(error, [package_of(kind.__module__)]) or place_of(getattr(kind, what))
        why = f"{type(error).__name__}: {first_line(error)}{place}"
        raise VaehubError(f"executor {name!r} failed in {what!r}: {why}") from error


@contextmanager
def _let_go(name: str, executor: Executor) -> Iterator[None]:
    """Close an executor when the context ends."""
    try:
        yield
    except BaseException:
        with suppress(VaehubError):  # what went wrong first says more
            _asked(name, "close", executor.close, type(executor))
        raise
    _asked(name, "close", executor.close, type(executor))


def lawful(states: object, title: str, executor: Executor) -> Mapping[str, JobState]:
    """Return the states of jobs as an executor says them.

    Raises:
        ContractBroken: If they are none.
    """
    if not isinstance(states, Mapping):
        given = described(states)
    elif wrong := [each for each in states.values() if not isinstance(each, JobState)]:
        given = f"{described(wrong[0])} for a job"
    else:
        return states
    raise ContractBroken(
        f"{title} returned {given} from 'states', which returns a vaehub.executors.JobState for each id"
        f"{place_of(executor.states)}"
    )


def _is_over(state: JobState | None) -> bool:
    return state is None or state.phase == "ended"


def is_waited_for(store: Store, submitter: str) -> bool:
    """Return whether the process that submitted a job still waits for it."""
    path = store.deliveries.folder / SUBMITTERS / f"{submitter}.lock"
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
