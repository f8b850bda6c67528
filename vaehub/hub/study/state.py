"""How far a study is: what the store has, and what executors say of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vaehub.core.display import Displayed
from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json
from vaehub.hub.study.job_text import wanted_of
from vaehub.hub.study.remote_pool import Engine, is_waited_for

if TYPE_CHECKING:
    from vaehub.hub.study.definition import Scaled
    from vaehub.hub.study.grid import Cell
    from vaehub.registry.catalog import Catalog
    from vaehub.store.records import CellRecord
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


def state_of(scaled: Scaled, cells: Sequence[Cell], store: Store, catalog: Catalog) -> StudyState:
    """Return how far a study is, once what jobs have delivered meanwhile is recorded.

    Args:
        scaled: The study.
        cells: All that it asks for, but for its analyses.
        store: What has been made.
        catalog: Where executors are looked up.
    """
    store.collect(store.deliveries.jobs().keys())
    asked: dict[str, CellRecord] = {cell.request.id: cell.record() for cell in cells}
    n = len(asked) + len(scaled.analyses)
    varied = {*varied_names([cell.settings for cell in cells]), "analysis"}
    with store.session() as session:
        stored = session.cells(scaled.study, scaled.scale)
        asked |= {cell.measurement: cell for cell in stored if cell.cell is None}
        known = session.outcomes(list(asked))
    failures = [
        (
            {name: value for name, value in asked[measurement].settings.items() if name in varied},
            asked[measurement].metric,
            outcome.error or "",
        )
        for measurement, outcome in known.items()
        if outcome.status == "failed"
    ]
    given, remarks = phases(store, catalog)
    now = {
        measurement: "running" if _is_running(store, cell) else given.get(measurement, "")
        for measurement, cell in asked.items()
        if measurement not in known
    }
    count_of = Counter(now.values())
    done = sum(outcome.status == "done" for outcome in known.values())
    return StudyState(
        scaled.study,
        scaled.scale,
        n,
        done,
        len(failures),
        count_of["running"],
        failures,
        queued=count_of["queued"],
        lost=count_of["lost"],
        remarks=remarks,
    )


def varied_names(settings: Sequence[Mapping[str, Json]]) -> set[str]:
    """Return the names of settings that differ."""
    names = {name for each in settings for name in each}
    return {name for name in names if len({canonical_json(each.get(name)) for each in settings}) > 1}


def _is_running(store: Store, cell: CellRecord) -> bool:
    return any(map(store.is_worked_on, filter(None, (cell.measurement, cell.training))))


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
