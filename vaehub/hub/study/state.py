"""How far a study is: what the store has, and what executors say of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vaehub.core.display import Displayed
from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json
from vaehub.hub.study.job_text import wanted_of
from vaehub.hub.study.remote_pool import Engine, is_waited_for

if TYPE_CHECKING:
    from vaehub.registry.catalog import Catalog
    from vaehub.store.store import Store

Phase = Literal["queued", "running", "lost"]


@dataclass(frozen=True)
class StudyState(Displayed):
    """How far a study is, counted in measurements.

    Attributes:
        study: Name of the study.
        scale: Name of the scale.
        n_measurements: What it asks for, each once.
        done: What has been made.
        failed: What could not be made.
        running: What some process works on at this moment.
        queued: What an executor has been given and not begun.
        lost: What an executor was given, and neither has made nor will; the next run makes it.
        remarks: Why an executor does not say how far it is.
        failures: Of each failure the settings that vary in the study, the metric and the reason.
        stopped: What went on when the time of a run was over: ``trying`` of what is to be made, or ``work``.
    """

    study: str
    scale: str
    n_measurements: int
    done: int
    failed: int
    running: int
    failures: Sequence[tuple[Mapping[str, Json], str, str]]
    stopped: Literal["trying", "work"] | None = None
    queued: int = 0
    lost: int = 0
    remarks: Sequence[str] = ()

    def __repr__(self) -> str:
        counts = f"{self.done} of {self.n_measurements} done, {self.failed} failed, {self.left} left"
        return f"StudyState({self.study}, {self.scale}: {counts})"

    @property
    def left(self) -> int:
        """What nobody has begun nor will begin by itself."""
        return self.n_measurements - self.done - self.failed - self.running - self.queued


def phases(store: Store, catalog: Catalog) -> tuple[dict[str, Phase], list[str]]:
    """Return the phase of each measurement that a job is to make and has not, and what engines have to say.

    Nobody is asked of an engine whose jobs end with the command that submitted them: such jobs are lost once that
    command has ended.
    """
    engines: dict[str, tuple[Engine, dict[str, Mapping[str, Any]]]] = {}
    found: dict[str, Phase] = {}
    ended, remarks = store.deliveries.ended(), []
    for name, asked in store.deliveries.jobs().items():
        if "executor" in asked and name not in ended:
            engine = Engine(asked["executor"], asked["params"])
            _, jobs = engines.setdefault(repr(engine), (engine, {}))
            jobs[name] = asked
    for engine, jobs in engines.values():
        try:
            states = engine.states(catalog, store, list(jobs)) if engine.outlives(catalog) else None
        except VaehubError as error:
            remarks.append(f"executor {engine.name!r} does not say how its jobs are: {error}")
            continue
        for name, asked in jobs.items():
            if states is None:
                phase: Phase = "queued" if is_waited_for(store, asked["submitter"]) else "lost"
            else:
                state = states.get(name)
                phase = "lost" if state is None or state.phase == "ended" else state.phase
            found |= dict.fromkeys(wanted_of(asked), phase)
    return found, remarks
