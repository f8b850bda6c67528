"""Carrying a study out, and seeing how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Literal

from vaehub.core.display import Displayed
from vaehub.core.errors import NotRecorded, VaehubError, WorkFailed
from vaehub.core.progress import task
from vaehub.core.recipe import Component
from vaehub.hub.arguments import MOST_JOBS, count, mapping_of
from vaehub.hub.requests import Settings
from vaehub.hub.study.analyses import Analyses
from vaehub.hub.study.definition import Definition, Scaled
from vaehub.hub.study.events import StudyEvents
from vaehub.hub.study.grid import Cell, Job, cells_of, jobs_of, trials_of
from vaehub.hub.study.pictures import PictureFormat, StudyPicture, Wanted, check_folder, write_pictures
from vaehub.hub.study.pool import DiedTrying, Pool, usual_jobs, worker_devices
from vaehub.hub.study.rehearsal import rehearse
from vaehub.hub.study.remote_pool import Engine, RemotePool
from vaehub.hub.study.report import Reports, ReportTable, report_of
from vaehub.hub.study.state import StudyState, state_of, varied_names
from vaehub.hub.work import work
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Figure, Paper
from vaehub.store.records import CellRecord, Outcome
from vaehub.training.devices import device_names, one_device_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure

    from vaehub.hub.runner import Runner
    from vaehub.store.store import Store


LOCAL = "local"
"""The executor of worker processes on this machine."""


class Study(Displayed):
    """A study of a store.

    Args:
        definition: What it is.
        store: Where results are kept.
        catalog: Where names are looked up.
        runner: Makes what is measured of results.
        device: Where workers compute; with several, there is a worker for each.
        in_memory: Datasets that were handed over in memory, by the names that the definition has for them.
    """

    def __init__(
        self,
        definition: Definition,
        store: Store,
        catalog: Catalog,
        runner: Runner,
        device: str,
        in_memory: Mapping[str, Component] | None = None,
    ) -> None:
        self.definition = definition
        self._in_memory = in_memory
        self._store = store
        self._catalog = catalog
        self._runner = runner
        self._device = device

    def __repr__(self) -> str:
        return f"Study({self.name!r}, scales {', '.join(self.definition.scales)})"

    @property
    def name(self) -> str:
        """What it is called."""
        return self.definition.name

    def cells(self, scale: str | None = None) -> list[Cell]:
        """Return all that the study asks for at a scale.

        Raises:
            VaehubError: If a name or a parameter is wrong.
        """
        return self._cells(self.definition.at(scale))

    def _cells(self, scaled: Scaled) -> list[Cell]:
        return cells_of(scaled, self._catalog, self._store.training_id, self._in_memory)

    def run(
        self,
        scale: str | None = None,
        *,
        jobs: int | None = None,
        budget: float | None = None,
        executor: str = LOCAL,
        settings: Settings | None = None,
    ) -> StudyState:
        """Make everything that the study asks for and the store has not.

        What failed before is tried again; what fails now is recorded, and the rest goes on.

        Args:
            scale: Name of the scale; the usual one if not given.
            jobs: Worker processes of this machine; if not given, one for each core, or one for each accelerator that
                computes, or one where an executor does. The cores are divided among them.
            budget: Seconds from now after which work stops where it is, to go on when the study is run again; none, if
                not given. Seeing whether the study can be carried out counts too; if it takes longer, nothing is made.
            executor: Where the work is done: ``local``, by worker processes of this machine, or an executor of the
                catalog. Whether all can be done is seen on this machine in any case.
            settings: Parameters of the executor, such as ``{"executor.partition": "main"}``.

        Returns:
            How far the study is then.

        Raises:
            VaehubError: If the study cannot be carried out as it stands, or the executor refuses it; nothing has been
                done.
            WorkFailed: If a worker process ended while it was seen whether the study can be, and nothing has been done;
                or if the executor does not answer any more.
            NotRecorded: If the store was deleted or moved while this ran, or could not be read or written any more.
        """
        with work(self._store), StudyEvents(self._catalog) as events:
            until = math.inf if budget is None else time.monotonic() + budget
            return events.ended(self._run(scale, jobs, until, self._remote(executor, settings or {}), events))

    def _run(
        self, scale: str | None, jobs: int | None, until: float, remote: RemotePool | None, events: StudyEvents
    ) -> StudyState:
        scaled = self.definition.at(scale)
        asked = None if jobs is None else count(jobs, "the number of jobs", MOST_JOBS)
        device_names(self._device)
        cells = self._cells(scaled)
        self._collect()
        with self._store.session() as session:
            known = session.outcomes([cell.request.id for cell in cells])
        is_over = partial(_is_over, until)
        made = {measurement for measurement, outcome in known.items() if outcome.status == "done"}
        missing = [cell for cell in cells if cell.request.id not in made]
        if missing and is_over():
            return self._stopped(scale, "trying")
        # Where an engine does the work, this machine, which may be one that many share to log in, tries it out.
        devices = worker_devices(self._device, asked) if missing and remote is None else ["cpu"]
        size = asked or (usual_jobs(devices) if remote is None else 1)
        missing_jobs = jobs_of(missing)
        analyses = Analyses(self.name, self._store, self._catalog, self._runner)
        for analysis, rows in rehearse(scaled, cells, self._figures(scaled), self._catalog):
            if not is_over():
                analyses.try_out(analysis, rows)
        if is_over():
            return self._stopped(scale, "trying" if missing else "work")
        with ExitStack() as stack:
            pool = stack.enter_context(Pool(size, self._store, devices).running())
            if remote is None:
                pool.start(len(missing_jobs))
            if remote is not None and missing:
                stack.enter_context(remote.running())
                remote.check()
            if not self._try(pool, missing, until):
                return self._stopped(scale, "trying")
            self._store.prepare()
            self._enter(scaled, [cell.record() for cell in cells])
            events.started(scaled, cells)
            self._work(remote or pool, f"study {self.name}, {scaled.scale}", missing_jobs, until)
            if not is_over():
                self._expect_recorded(missing)
        for analysis in scaled.analyses:
            if not is_over():
                analyses.make(scaled, analysis)
        return self._stopped(scale, "work") if is_over() else self.state(scale)

    def _remote(self, executor: str, settings: Settings) -> RemotePool | None:
        scoped = mapping_of(settings, '{"executor.partition": "main"}')
        wrong = [key for key in scoped if not key.startswith("executor.")]
        if wrong:
            raise VaehubError(f"setting {wrong[0]!r} does not begin with a scope; write 'executor.{wrong[0]}'")
        params = {key.removeprefix("executor."): value for key, value in scoped.items()}
        if executor != LOCAL:
            device = one_device_name(self._device)  # an engine gives each of its workers the devices that it may use
            return RemotePool(Engine(executor, params), self._store, self._catalog, device)
        if params:
            raise VaehubError(
                f"executor {LOCAL!r} takes no {next(iter(params))!r}; '--jobs' says how many processes it has, and "
                "'vaehub list executor' shows others"
            )
        return None

    def _collect(self) -> None:
        """Record what jobs of earlier runs have made meanwhile."""
        ended = self._store.deliveries.ended()
        self._store.collect(self._store.deliveries.jobs().keys() - ended)
        self._store.collect(ended, are_over=True)

    def _stopped(self, scale: str | None, during: Literal["trying", "work"]) -> StudyState:
        """Return how far the study is, and what the end of its time interrupted, if it did."""
        found = self.state(scale)
        return replace(found, stopped=during) if found.left or found.running else found

    def state(self, scale: str | None = None) -> StudyState:
        """Return how far the study is.

        Raises:
            VaehubError: If a name or a parameter of the study is wrong.
        """
        scaled = self.definition.at(scale)
        return state_of(scaled, self._cells(scaled), self._store, self._catalog)

    def report(self, name: str | None = None, scale: str | None = None) -> Reports:
        """Return the study's tables, with the published figures beside ours.

        Args:
            name: Of one report; all, if not given.
            scale: Name of the scale; the usual one if not given.

        Raises:
            VaehubError: If there is no such report, nothing has been made yet, or the SQL of a report fails.
        """
        scaled = self.definition.at(scale)
        wanted = [report for report in scaled.reports if name in (None, report.name)]
        if not wanted:
            known = ", ".join(repr(report.name) for report in scaled.reports)
            what = f"no report {name!r}; it has {known}" if known else "no reports"
            raise VaehubError(f"study {self.name!r} has {what} at scale {scaled.scale!r}")
        asked = [cell.record() for cell in self._cells(scaled)]
        with self._store.session() as session:
            outcomes = session.outcomes([cell.measurement for cell in asked])
            stored = session.cells(self.name, scaled.scale)
        if not any(outcome.status == "done" for outcome in outcomes.values()):
            raise VaehubError(
                f"study {self.name!r} has no results at scale {scaled.scale!r} in store {str(self._store.path)!r}; "
                f"'vaehub study run {self.definition.reference} --scale {scaled.scale}' makes them"
            )
        # The file may have changed since the study was run: what it says now is what is reported.
        if [cell for cell in stored if cell.cell is not None] != asked:
            self._enter(scaled, asked)
        settings = [cell.settings for cell in asked] + [cell.settings for cell in stored if cell.cell is None]
        figures = self._figures(scaled)
        return Reports(report_of(scaled, report, settings, self._store.query, figures) for report in wanted)

    def pictures(
        self,
        folder: str | PathLike[str],
        scale: str | None = None,
        *,
        format: PictureFormat = "png",  # noqa: A002
        tables: Sequence[ReportTable] = (),
    ) -> list[StudyPicture]:
        """Draw what the analyses of the study have stored, each into a file of a folder, named for the analysis.

        Args:
            folder: Where to; made if it is not there.
            scale: Name of the scale; the usual one if not given.
            format: ``png``, ``svg`` or ``pdf``.
            tables: What :meth:`report` has returned, to be drawn as well.

        Returns:
            The file of each analysis and of each table, or one sentence that says why it has none.

        Raises:
            VaehubError: If there is no such scale, matplotlib is missing, or nothing can be written there; no picture
                has been drawn then.
        """
        scaled = self.definition.at(scale)
        path = check_folder(folder, format)
        with self._store.session() as session:
            stored = session.cells(self.name, scaled.scale)
        made = {str(cell.settings["analysis"]): cell.measurement for cell in stored if cell.cell is None}
        missing = f"is not made yet; 'vaehub study run {self.definition.reference} --scale {scaled.scale}' makes it"
        wanted = [
            Wanted(
                "analysis", each.name, partial(self._plot, made.get(each.name)), "" if each.name in made else missing
            )
            for each in scaled.analyses
        ]
        return write_pictures(path, format, [*wanted, *(Wanted("table", each.name, each.plot) for each in tables)])

    def _plot(self, measurement: str | None) -> MplFigure:
        assert measurement is not None, "what is missing is not drawn"
        return self._runner.stored(measurement).plot()

    def _figures(self, scaled: Scaled) -> list[Figure]:
        """Return what is published of the paper, in the order it is printed; nothing where there is no such paper."""
        papers = [each for each in self._catalog.entries("published") if each.entry.name == scaled.paper]
        return [figure for each in papers for figure in Paper(each.entry.name, each.read()).figures()]

    def _try(self, pool: Pool, missing: Sequence[Cell], until: float) -> bool:
        """Return whether all of it was tried before the time was over; refuse what cannot be done."""
        trials = trials_of(missing)
        settings = {cell.request.id: cell.settings for cell in missing}
        varied = varied_names(list(settings.values()))

        def title(measurement: str) -> str:
            at = ", ".join(f"{name} {value}" for name, value in settings[measurement].items() if name in varied)
            return f"study {self.name!r}{', at ' * bool(at)}{at}"

        n_tried = 0
        with task("seeing whether all of it can be done", len(trials)) as advance:
            try:
                for _, refused in pool.run(trials, until):
                    for measurement, reason in refused.items():
                        raise VaehubError(f"{title(measurement)}: {reason}")
                    advance(1)
                    n_tried += 1
            except DiedTrying as died:
                raise WorkFailed(
                    f"{title(next(iter(died.job.wanted)))}: {died} before anything was made; run it again, with fewer "
                    "jobs if memory was short"
                ) from died
        return n_tried == len(trials)

    def _enter(self, scaled: Scaled, records: Sequence[CellRecord]) -> None:
        with self._store.session() as session:
            session.insert_study(self.name, scaled.scale, scaled.title, scaled.record(), records)

    def _work(self, pool: Pool | RemotePool, label: str, jobs: Sequence[Job], until: float) -> None:
        failed, wanted = 0, [measurement for job in jobs for measurement in job.wanted]
        with self._store.session() as session:
            before = session.outcomes(wanted)
        with task(label, len(wanted)) as advance:
            for job, failures in pool.run(jobs, until):
                for measurement, reason in failures.items():
                    self._record_failure(job, measurement, reason, before.get(measurement))
                failed += len(failures)
                advance(len(job.wanted), note=f"{pool.n_busy} running, {failed} failed")

    def _record_failure(self, job: Job, measurement: str, reason: str, before: Outcome | None) -> None:
        """Record what a worker could not make, unless it has done so itself.

        Args:
            job: What the worker was at.
            measurement: What could not be made.
            reason: Why.
            before: Outcome before the work began. Times say nothing here: a clock may have gone backwards since.
        """
        with self._store.session() as session:
            known = session.outcomes([measurement]).get(measurement)
        if known is None or (known.status == "failed" and known == before):
            self._runner.record_failure(job.wanted[measurement], reason)

    def _expect_recorded(self, cells: Sequence[Cell]) -> None:
        asked = {cell.request.id for cell in cells}
        with self._store.session() as session:
            lost = asked - session.outcomes(list(asked)).keys()
        if lost:
            raise NotRecorded(
                f"{len(lost)} measurements of study {self.name!r} were made and recorded, and store "
                f"{str(self._store.path)!r} has them no more: it was deleted or moved while this ran; the same command "
                "makes them again"
            )


def _is_over(until: float) -> bool:
    return time.monotonic() >= until
