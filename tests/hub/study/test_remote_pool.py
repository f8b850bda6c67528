"""Studies on executors: what is submitted, collected, lost and refused. Jobs are real, and done in this process."""

import json
import re
import sys
import types
from contextlib import suppress

import pytest

from tests.studies import small_study
from vaehub import Hub, VaehubError, __version__
from vaehub.core.errors import WorkFailed
from vaehub.executors import Executor, JobState
from vaehub.hub.runner import Runner
from vaehub.hub.study import remote_pool
from vaehub.hub.study.grid import jobs_of
from vaehub.hub.study.job_work import work, work_all
from vaehub.hub.study.remote_pool import Engine, RemotePool
from vaehub.registry import Executor as Entry
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin, discover

VALUES = "select training, seed, latent_dim, metric, name, value from results order by all"


class Queue(Executor):
    """An engine whose queue is a dictionary, and whose worker is this process.

    Attributes:
        queue: Jobs that wait, by id.
        given: Every job that was ever submitted.
        works: How many jobs are done as soon as they are submitted; all, if not set.
        busy: Whether what waits is done when it is asked for.
        dies: Whether what waits is killed when it is asked for.
        interrupted: At which question for states the user interrupts the command; never, if 0.
        refusal: What the engine says instead of taking jobs.
        fault: What it raises that is no refusal.
        silent: Whether it gives no answers.
        stays: What it raises when it is let go.
    """

    interval = 0.01
    outlives = True

    def check(self, probe):
        probe.work(probe.text)

    def submit(self, jobs):
        if self.fault is not None:
            raise self.fault
        if self.refusal:
            raise VaehubError(self.refusal)
        self.given.extend(jobs)
        for at, job in enumerate(jobs):
            if self.works is None or at < self.works:
                do(job)
            else:
                self.queue[job.id] = job

    def states(self, jobs):
        if self.silent:
            raise VaehubError("nobody is there")
        if Queue.interrupted:
            Queue.interrupted -= 1
            if not Queue.interrupted:
                raise KeyboardInterrupt
        waiting = [name for name in jobs if name in self.queue]
        for name in waiting if self.busy else ():
            do(self.queue.pop(name))
        return dict.fromkeys(waiting, JobState("ended", reason="killed") if self.dies else JobState("queued"))

    def cancel(self, jobs):
        for name in jobs:
            self.queue.pop(name, None)

    def close(self):
        if self.stays is not None:
            raise self.stays


class Mortal(Queue):
    outlives = False


class Far(Mortal):
    """Its workers do not see the store."""

    shares_disk = False

    def submit(self, jobs):
        self.queue.update({job.id: JobState("ended", answer=job.work(job.text)) for job in jobs})

    def states(self, jobs):
        return {name: self.queue[name] for name in jobs if name in self.queue}


def do(job):
    with suppress(VaehubError):  # as an engine that only looks at whether a task has ended
        job.work(job.text)


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(remote_pool, "GRACE", 0.05)
    usual = {"works": None, "busy": False, "dies": False, "interrupted": 0, "stays": None}
    for name, value in {
        "queue": {},
        "given": [],
        **usual,
        "refusal": "",
        "fault": None,
        "silent": False,
        "stays": None,
    }.items():
        monkeypatch.setattr(Queue, name, value, raising=False)
    return Queue


@pytest.fixture
def hub(tmp_path, queue):
    module = types.ModuleType("executors_of_tests")
    module.Queue, module.Mortal, module.Far = Queue, Mortal, Far
    sys.modules["executors_of_tests"] = module
    entries = (
        Entry("queue", "executors_of_tests:Queue", "does what it is given"),
        Entry("mortal", "executors_of_tests:Mortal", "forgets all when its command ends"),
        Entry("far", "executors_of_tests:Far", "has no disk in common with this machine"),
    )
    found = discover()
    plugins = (*found.plugins, Plugin("tests", "tests", "1.0", "executors_of_tests", entries))
    yield Hub(Hub.open(tmp_path / "store").store, Catalog(Discovered(plugins, found.manager)), "cpu")
    sys.modules.pop("executors_of_tests")


@pytest.fixture
def study(hub, tmp_path):
    (tmp_path / "small.toml").write_text(small_study())
    return hub.study(tmp_path / "small.toml")


@pytest.fixture
def run(hub, study):
    """Has an engine do the jobs of the study, and returns the reasons for what could not be made."""

    def run(executor="queue"):
        cells = study.cells()
        with hub.store.session() as session:
            known = session.outcomes([cell.request.id for cell in cells])
        missing = [cell for cell in cells if cell.request.id not in known]
        engine = RemotePool(Engine(executor, {}), hub.store, hub.catalog, "cpu")
        with engine.running():
            engine.check()
            hub.store.prepare()
            return [reason for _, failures in engine.run(jobs_of(missing)) for reason in failures.values()]

    return run


def n_laid(hub):
    return len(hub.store.deliveries.jobs())


@pytest.mark.slow
def test_an_executor_gives_the_rows_that_worker_processes_give(hub, study, tmp_path):
    state = study.run(jobs=1, executor="queue")
    assert (state.done, state.failed, state.left, state.remarks) == (4, 0, 0, [])
    other = Hub.open(tmp_path / "other", device="cpu")
    other.study(tmp_path / "small.toml").run(jobs=1)
    assert list(hub.sql(VALUES)) == list(other.sql(VALUES))
    assert hub.store.verify().problems == ()
    # All is known now: nothing is submitted.
    assert study.run(executor="queue").done == 4
    assert len(Queue.given) == 4


@pytest.mark.parametrize("executor", ["queue", "far"])
def test_a_share_of_threads_is_told_from_a_wish(run, monkeypatch, executor):
    shares = []

    class Seen(Runner):
        def __init__(self, *args, share, **more):
            shares.append(share)
            super().__init__(*args, share=share, **more)

    monkeypatch.setattr("vaehub.hub.study.job_work.Runner", Seen)
    monkeypatch.setenv("VAEHUB_SHARE_OF_THREADS", "3")
    assert run(executor) == []
    assert set(shares) == {3}


def test_jobs_that_outlive_the_command_are_collected_by_the_next_and_not_submitted_again(hub, study, queue, run):
    queue.works, queue.interrupted = 1, 2
    with pytest.raises(KeyboardInterrupt):
        run()
    state = study.state()
    assert (state.done, state.queued, state.lost, state.left) == (1, 3, 0, 0)
    # The engine goes on without anybody who waits.
    for name in list(queue.queue)[:2]:
        do(queue.queue.pop(name))
    state = study.state()
    assert (state.done, state.queued, state.lost) == (3, 1, 0)
    queue.busy = True
    assert run() == []
    assert study.state().done == 4
    assert len(queue.given) == 4
    assert hub.store.verify().problems == ()


def test_a_job_that_an_engine_loses_is_said_to_be_lost_and_made_by_the_next_run(hub, study, queue, run):
    queue.works, queue.dies = 3, True
    assert run() == ["its job on 'queue' was lost: killed"]
    queue.works, queue.dies = None, False
    assert run() == []
    assert study.state().done == 4
    assert len(queue.given) == 5
    assert n_laid(hub) == 0


def test_jobs_of_an_engine_that_forgets_are_lost_when_their_command_ends(hub, study, queue, run):
    queue.works, queue.interrupted = 1, 2
    with pytest.raises(KeyboardInterrupt):
        run("mortal")
    state = study.state()
    assert (state.done, state.queued, state.lost, state.left) == (1, 0, 3, 3)
    queue.works = None
    assert run("mortal") == []
    assert study.state().done == 4
    assert n_laid(hub) == 0


def test_a_second_attempt_at_a_job_makes_only_what_the_first_has_not(hub, queue, run):
    queue.works, queue.interrupted = 0, 2
    with pytest.raises(KeyboardInterrupt):
        run()
    job = next(iter(queue.queue.values()))
    do(job)
    delivered = {each.path.name: each.path.stat().st_mtime_ns for each in hub.store.deliveries.delivered({job.id})}
    assert len(delivered) == 2
    # Killed before it could say that it had ended: the engine gives the job to another worker.
    (hub.store.path / "jobs" / f"{job.id}.ended").unlink()
    do(job)
    assert hub.store.deliveries.outcome(job.id) == ({}, "")
    again = {each.path.name: each.path.stat().st_mtime_ns for each in hub.store.deliveries.delivered({job.id})}
    assert again == delivered


def test_an_engine_that_does_not_answer_ends_the_run_and_nothing_is_lost(hub, study, queue, run, monkeypatch):
    monkeypatch.setattr(remote_pool, "PATIENCE", 0.05)
    queue.works, queue.silent = 1, True
    with pytest.raises(WorkFailed, match=r"'queue' has not answered for 0\.05 s: nobody is there; the same command"):
        run()
    state = study.state()
    assert state.remarks == ["executor 'queue' does not say how its jobs are: nobody is there"]
    assert (state.done, state.left) == (1, 3)
    queue.silent, queue.busy = False, True
    assert run() == []
    assert study.state().done == 4


@pytest.mark.parametrize(
    ("refusal", "fault", "said"),
    [
        ("the queue is full", None, "the queue is full"),
        ("", SystemExit(3), "executor 'queue' failed in 'submit': SystemExit: 3"),
    ],
)
def test_what_an_engine_does_not_take_leaves_nothing_behind(hub, queue, run, refusal, fault, said):
    queue.refusal, queue.fault = refusal, fault
    with pytest.raises(VaehubError, match=said):
        run()
    assert n_laid(hub) == 0
    assert queue.queue == {}


def test_an_engine_that_cannot_be_let_go_hides_no_earlier_error_and_leaves_nothing_behind(hub, study, queue, run):
    queue.stays = AssertionError("it was never there")
    queue.refusal = "the queue is full"
    with pytest.raises(VaehubError, match="the queue is full"):
        run()
    assert n_laid(hub) == 0
    assert not (hub.store.path / "jobs").exists()
    queue.refusal = ""
    with pytest.raises(VaehubError, match="executor 'queue' failed in 'close': AssertionError: it was never there"):
        run()
    assert study.state().done == 4


def test_a_worker_of_another_version_is_refused_before_anything_is_submitted(hub, queue, run, monkeypatch):
    monkeypatch.setattr("vaehub.hub.study.job_work.__version__", "0.0.9")
    versions = rf"has vaehub 0\.0\.9, and the study is run by {re.escape(__version__)}; install the same"
    with pytest.raises(VaehubError, match=versions):
        run()
    assert queue.given == []
    assert not hub.store.path.exists()


def test_a_worker_of_another_version_that_no_probe_reached_ends_the_run_and_takes_the_rest_back(
    hub, study, queue, run, monkeypatch
):
    monkeypatch.setattr("vaehub.hub.study.job_work.__version__", "0.0.9")
    monkeypatch.setattr(queue, "check", lambda self, probe: None)
    queue.works = 1
    with pytest.raises(VaehubError, match=r"has vaehub 0\.0\.9"):
        run()
    assert queue.queue == {}
    assert n_laid(hub) == 0
    assert study.state().left == 4


@pytest.mark.slow
def test_workers_that_do_not_see_the_store_send_small_ones_that_are_merged(hub, study, run, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("VAEHUB_TRACKERS", f"tensorboard:{tmp_path / 'tracked'}")
    assert run("far") == []
    # Trackers travel with the job.
    assert len(list((tmp_path / "tracked").iterdir())) == 4
    monkeypatch.delenv("VAEHUB_TRACKERS")
    assert study.state().done == 4
    assert hub.store.verify().problems == ()
    assert n_laid(hub) == 0
    other = Hub.open(tmp_path / "other", device="cpu")
    for cell in study.cells():
        other.measure("elbo", cell.request.subject.what, seed=cell.request.seed, settings={"split": "train"})
    assert list(hub.sql(VALUES)) == list(other.sql(VALUES))


def test_a_worker_that_does_not_see_the_store_says_so(tmp_path):
    text = json.dumps({"id": "a", "vaehub": __version__, "store": str(tmp_path / "elsewhere")})
    unseen = "does not see store .*elsewhere'; name one on a disk that all workers have"
    with pytest.raises(VaehubError, match=unseen):
        work(text)
    with pytest.raises(VaehubError, match=unseen):
        work_all([tmp_path / "elsewhere" / "jobs" / "a.json"])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'{"id": "a", "vaehub": "1", "store": 5}', None])
def test_what_is_no_job_is_refused(tmp_path, content):
    file = tmp_path / "a.json"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    said = (
        "job '.*a.json' cannot be read: Is a directory"
        if content is None
        else "this is no job; 'vaehub study run' lays"
    )
    with pytest.raises(VaehubError, match=said):
        work_all([file])


def test_a_job_that_is_no_longer_wanted_is_not_done(tmp_path):
    (tmp_path / "jobs").mkdir()
    work(json.dumps({"id": "a", "vaehub": __version__, "store": str(tmp_path), "wanted": {}}))
    work_all([tmp_path / "jobs" / "a.json"])
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("executor", "settings", "said"),
    [
        ("queu", {}, "unknown executor 'queu'; did you mean 'queue'"),
        ("queue", {"executor.size": 1}, "executor 'queue' was given parameters that do not fit.*size"),
        ("queue", {"size": 1}, "setting 'size' does not begin with a scope; write 'executor.size'"),
        ("local", {"executor.size": 1}, "executor 'local' takes no 'size'; '--jobs' says how many processes"),
    ],
)
def test_a_wrong_executor_is_refused(study, executor, settings, said):
    with pytest.raises(VaehubError, match=said):
        study.run(executor=executor, settings=settings)
