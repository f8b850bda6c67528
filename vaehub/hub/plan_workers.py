"""Several seeds of a run at once: each in one of several worker processes, as if one came after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.hub.data_copies import InMemoryData
from vaehub.hub.requests import RunPlan
from vaehub.hub.study.grid import Job
from vaehub.hub.study.pool import DiedTrying, Pool, usual_jobs, worker_devices
from vaehub.hub.study.worker_process import PlanJob
from vaehub.store.failures import gone

if TYPE_CHECKING:
    from vaehub.hub.runner import Runner
    from vaehub.hub.study.worker_process import Ended
    from vaehub.hub.views import Measurement
    from vaehub.store.records import Outcome

_FEWER = "run it again, with fewer '--jobs' if memory was short"


def run_plans(runner: Runner, plans: Sequence[RunPlan], *, force: bool, jobs: int | None) -> list[Measurement]:
    """Return what :meth:`vaehub.hub.runner.Runner.run` returns, made by several processes where that is asked for.

    What fails is recorded, and no seed is begun after it; those that have begun are made to their end.

    Args:
        runner: Knows the store and the device, and does the work where one process is enough.
        plans: What is asked, of each seed.
        force: Train and measure even what is stored.
        jobs: Worker processes, at most one for each seed; if ``None``, one for each core, or one where an accelerator
            computes. Seeds that are trained as one program, and data that are made by a function of this process, stay
            in this process.

    Raises:
        VaehubError: If a request is wrong; nothing has been done.
        WorkFailed: If a training or a measurement failed, or its process died; that is recorded.
    """
    if not all(map(_can_be_sent, plans)):
        return runner.run(plans, force=force)
    ids = [request.id for plan in plans for request in plan.requests]
    known = {} if force else runner.known(ids)
    missed = [plan for plan in plans if any(request.id not in known for request in plan.requests)]
    if not missed:
        return [known[each] for each in ids]
    devices = worker_devices(runner.device, jobs)
    # Not of what is missed: the number of threads, on which bits of large networks depend, is that of the request.
    size = min(usual_jobs(devices) if jobs is None else jobs, len(plans))
    if size < 2:
        return runner.run(plans, force=force, known=known)
    reused = _made(runner, missed, Pool(size, runner.store, devices, shows_progress=True), force=force)
    made = runner.known([request.id for plan in missed for request in plan.requests])
    fresh = {name: replace(found, reused=name in reused) for name, found in made.items()}
    found = {**fresh, **known}
    for each in ids:
        if each not in found:
            raise gone("measurement", each)
    return [found[each] for each in ids]


def _can_be_sent(plan: RunPlan) -> bool:
    data = plan.recipe.dataset.params
    is_here_alone = isinstance(data, InMemoryData) and data.file is None
    return not (plan.recipe.train.together or is_here_alone)


def _made(runner: Runner, plans: Sequence[RunPlan], pool: Pool, *, force: bool) -> set[str]:
    """Make what plans ask for, and return the measurements that another process made meanwhile."""
    places = {id(plan): place for place, plan in enumerate(plans)}
    reused: set[str] = set()
    errors: dict[int, VaehubError] = {}
    with pool.running():
        pool.start(len(plans))
        _try(pool, plans[0])
        runner.store.prepare()
        before = _outcomes(runner, plans)
        for job, ended in pool.ended([PlanJob(plan, force) for plan in plans]):
            reused |= ended.reused
            error = _death(runner, job, ended, before) if ended.is_dead else ended.error
            if error is not None:
                errors[places[id(job.plan)]] = error
                pool.begin_no_more()
    if errors:
        raise errors[min(errors)]
    return reused


def _try(pool: Pool, plan: RunPlan) -> None:
    """Refuse what cannot be done, before anything is made: seeds do not differ in that."""
    trial = Job([*plan.stages, plan.recipe], PlanJob(plan).wanted, dry=True)
    try:
        for _, refused in pool.run([trial]):
            for reason in refused.values():
                raise VaehubError(reason)
    except DiedTrying as died:
        raise WorkFailed(f"{died} before anything was made; {_FEWER}") from died


def _outcomes(runner: Runner, plans: Sequence[RunPlan]) -> Mapping[str, Outcome]:
    with runner.store.session() as session:
        return session.outcomes([request.id for plan in plans for request in plan.requests])


def _death(runner: Runner, job: PlanJob, ended: Ended, before: Mapping[str, Outcome]) -> WorkFailed:
    """Record what a worker that died has not recorded itself, and return what to raise."""
    after = _outcomes(runner, [job.plan])
    for measurement, reason in ended.failures.items():
        # What was there before was asked for again, by force, or had failed.
        if after.get(measurement) in (None, before.get(measurement)):
            runner.record_failure(job.wanted[measurement], reason)
    [reason] = set(ended.failures.values())
    return WorkFailed(f"seed {job.plan.recipe.seed} of model {job.plan.recipe.model.name!r}: {reason}; {_FEWER}")
