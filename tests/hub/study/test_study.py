"""Studies carried out by real worker processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from vaehub import Hub, VaehubError
from vaehub.core.errors import WorkFailed
from vaehub.registry import hookimpl

STUDY = """
title = "small"
[recipe]
model = "vae"
"data.subset" = 200
"train.batch_size" = 100
[axes]
"model.latent_dim" = [2, 3]
train.epochs = [1, 2]
[metrics.elbo]
split = "train"
[metrics.ssim_diversity]
n_samples = 20
n_bootstrap = 0
[[reports]]
name = "losses"
sql = '''select latent_dim, "train.epochs" as epochs, name, value from results where name in ('elbo', 'diversity')'''
[[analyses]]
name = "epochs and bound"
metric = "correlation"
params = {of = ["epochs"], against = "elbo", n_bootstrap = 0}
sql = '''select "train.epochs" as epochs, value as elbo from results where name = 'elbo' order by cell'''
"""
N = 4 + 1 + 1
"""Bounds, one diversity of the data that all points share, and the analysis."""


def written(folder, text=STUDY, name="small"):
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


class Listener:
    """Keeps what it hears of studies, and of what is measured in this process."""

    def __init__(self):
        self.heard = []

    @hookimpl
    def vaehub_study_started(self, study_id, study, scale, definition, trainings, n_measurements):
        self.heard.append(("started", study_id, study, scale, definition["title"], trainings, n_measurements))

    @hookimpl
    def vaehub_study_ended(self, study_id, study, scale, trainings, status, seconds, counts, error):
        assert seconds > 0
        self.heard.append(("ended", study_id, study, scale, trainings, status, counts, error))

    @hookimpl
    def vaehub_measured(self, metric):
        self.heard.append(("measured", metric))


@pytest.fixture(scope="module")
def heard():
    """What a plugin hears of the study that was made."""
    return []


@pytest.fixture(scope="module")
def made(tmp_path_factory, heard):
    """A hub with a study that was made, and the study."""
    folder = tmp_path_factory.mktemp("study")
    hub = Hub.open(folder / "store", device="cpu")
    study, listener = hub.study(written(folder)), Listener()
    hub.catalog.manager.register(listener)
    state = study.run(jobs=1)
    hub.catalog.manager.unregister(listener)
    heard += listener.heard
    return hub, study, state


def test_plugins_hear_once_that_a_study_begins_and_that_it_has_ended(made, heard):
    hub, _, _ = made
    trainings = {training for (training,) in hub.sql("select id from trainings")}
    # Workers measure all but the analysis, and tell of it in processes of their own.
    (_, name, *began, asked, n), measured, (_, same, *ended) = heard
    assert (began, n, set(asked)) == (["small", "whole", "small"], N, trainings)
    assert measured == ("measured", "correlation")
    counts = {"n_measurements": N, "done": N, "failed": 0}
    assert ended == ["small", "whole", asked, "done", counts, None]
    assert same == name
    assert len(asked) == len(trainings)


def test_everything_is_made_once(made):
    hub, _, state = made
    assert (state.n_measurements, state.done, state.failed, state.running, state.left) == (N, N, 0, 0, 0)
    [(trainings, measurements)] = hub.sql(
        "select (select count(*) from trainings), (select count(*) from measurements)"
    )
    assert (trainings, measurements) == (4, N)


def test_making_it_again_makes_nothing(made):
    hub, study, _ = made
    before = list(hub.sql("select id, started from measurements order by id"))
    assert study.run(jobs=1).done == N
    assert list(hub.sql("select id, started from measurements order by id")) == before


def test_results_say_which_study_asked_for_them(made):
    hub, _, _ = made
    assert list(hub.sql("select distinct study from results")) == [("small",)]
    assert list(hub.sql("select distinct study, scale from study_results")) == [("small", "whole")]
    # The diversity of the data belongs to each of the four points.
    assert list(hub.sql("select count(*) from study_results where name = 'diversity'")) == [(4,)]


def test_a_worker_trains_the_same_bits_as_a_single_run(made, tmp_path):
    hub, _, _ = made
    alone = Hub.open(tmp_path / "store", device="cpu").run(
        "vae",
        "elbo",
        settings={
            "model.latent_dim": 2,
            "data.subset": 200,
            "train.batch_size": 100,
            "train.epochs": 2,
            "metric.split": "train",
        },
    )
    [(value,)] = hub.sql("select value from results where latent_dim = 2 and name = 'elbo' order by value desc limit 1")
    assert alone[0]["elbo"] == value


def test_a_report_shows_the_points_of_the_grid(made):
    _, study, _ = made
    [report] = study.report()
    assert [dict(row.keys) for row in report.rows if row.name == "elbo"] == [
        {"latent_dim": d, "epochs": epochs} for d in (2.0, 3.0) for epochs in (1.0, 2.0)
    ]


def test_an_analysis_measures_the_results(made):
    hub, _, _ = made
    [(n,)] = hub.sql("select value from results where metric = 'correlation' and name = 'n'")
    assert n == 4


def test_the_store_lists_what_it_was_asked_for(made):
    hub, _, _ = made
    [record] = hub.studies()
    assert (record.study, record.scale, record.n_measurements, record.n_done) == ("small", "whole", N, N)


@pytest.mark.slow
def test_a_failure_is_recorded_and_the_rest_goes_on(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    axes = '"train.epochs" = [1]\n"train.learning_rate" = [1e-3, 1e30]'
    text = STUDY.replace("train.epochs = [1, 2]", axes).split("[[reports]]")[0]
    listener = Listener()
    hub.catalog.manager.register(listener)
    state = hub.study(written(tmp_path, text)).run(jobs=1)
    assert (state.done, state.failed) == (3, 2)
    [(begun, *_), (ended, *_, status, counts, error)] = listener.heard
    assert (begun, ended, status, error) == ("started", "ended", "failed", None)
    assert counts == {"n_measurements": 5, "done": 3, "failed": 2}
    for settings, metric, reason in state.failures:
        assert settings["train.learning_rate"] == 1e30
        assert metric == "elbo"
        assert "training diverged in epoch 1" in reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ('against = "elbo"', 'against = "bound"'),
            "analysis 'epochs and bound' of study 'small': metric 'correlation' was asked for the column 'bound'",
        ),
        (
            ("[metrics.elbo]", "[metrics.relevance]\nvariance = 'prior'\n[metrics.elbo]"),
            "metric 'relevance' needs a model with a learned prior",
        ),
        (
            ('"vae"', '"ae"'),
            "study 'small', at model.latent_dim 2.*: metric 'elbo' needs a model whose loss",
        ),
        (("n_samples = 20", "n_samples = 1"), "metric 'ssim_diversity' needs at least 2 observations, and got 1"),
    ],
)
def test_what_cannot_be_done_is_found_out_before_anything_is_made(tmp_path, change, says):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match=says):
        hub.study(written(tmp_path, STUDY.replace(*change))).run(jobs=1)
    assert not hub.store.exists


def test_a_report_is_of_what_the_file_says_now(made, tmp_path):
    hub, study, _ = made
    changed = STUDY.replace("[2, 3]", "[3]")
    [report] = hub.study(written(tmp_path, changed)).report()
    assert {row.keys["latent_dim"] for row in report.rows if row.name == "elbo"} == {3}
    [report] = study.report()
    assert {row.keys["latent_dim"] for row in report.rows if row.name == "elbo"} == {2, 3}


def test_a_file_that_is_here_is_offered_where_no_study_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    with pytest.raises(VaehubError, match="unknown study 'small'; .*; the file here is asked for as './small.toml'"):
        Hub.open(tmp_path / "store").study("small")


def test_a_report_of_a_study_that_was_not_made_says_how_to(tmp_path):
    hub = Hub.open(tmp_path / "store")
    with pytest.raises(VaehubError, match="'vaehub study run .*small.toml --scale whole' makes them"):
        hub.study(written(tmp_path)).report()


def test_an_unknown_report_is_answered_with_those_there_are(made):
    _, study, _ = made
    with pytest.raises(VaehubError, match="study 'small' has no report 'loss'; it has 'losses'"):
        study.report("loss")


def test_no_jobs_are_refused(made):
    _, study, _ = made
    with pytest.raises(VaehubError, match="the number of jobs is 0 and should be from 1 to"):
        study.run(jobs=0)


@pytest.mark.slow
def test_work_stops_when_its_time_is_over_and_can_go_on(tmp_path):
    text = STUDY.replace("train.epochs = [1, 2]", "train.epochs = [200000]").split("[[rep")[0]
    hub = Hub.open(tmp_path / "store", device="cpu")
    study = hub.study(written(tmp_path, text))
    state = study.run(jobs=2, budget=5)
    assert (state.failed, state.running, state.left) == (0, 0, 3 - state.done)
    assert state.left >= 2
    assert state.stopped in ("trying", "work")
    assert not hub.store.exists or hub.verify().problems == ()


def clock(*moments):
    """Return a clock of which every look is a later moment; at the last one it stays."""
    left = list(moments)
    return SimpleNamespace(monotonic=lambda: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize("moments", [(0, 11), (0, 1, 11)])  # before and after the rehearsal
def test_time_that_is_over_early_leaves_nothing_behind(tmp_path, monkeypatch, moments):
    hub = Hub.open(tmp_path / "store", device="cpu")
    study = hub.study(written(tmp_path))
    monkeypatch.setattr("vaehub.hub.study.study.time", clock(*moments))
    monkeypatch.setattr("vaehub.hub.study.study.Pool", None)  # no process is started
    state = study.run(jobs=1, budget=10)
    assert (state.stopped, state.done, state.left) == ("trying", 0, state.n_measurements)
    assert not hub.store.exists


def test_so_does_time_that_is_over_while_cells_are_tried_out(tmp_path, monkeypatch):
    hub = Hub.open(tmp_path / "store", device="cpu")
    study = hub.study(written(tmp_path))
    monkeypatch.setattr("vaehub.hub.study.study.time", clock(0, 1))
    monkeypatch.setattr("vaehub.hub.study.pool.time", clock(11))
    state = study.run(jobs=1, budget=10)
    assert (state.stopped, state.done, state.left) == ("trying", 0, state.n_measurements)
    assert not hub.store.exists


def test_what_was_made_already_is_told_when_the_time_is_over(made, monkeypatch):
    _, study, state = made
    monkeypatch.setattr("vaehub.hub.study.study.time", clock(0, 11))
    assert study.run(jobs=1, budget=10) == state


LONG = (
    STUDY.replace("train.epochs = [1, 2]", "train.epochs = [400]").replace("[2, 3]", "[2, 3, 4, 5]").split("[[rep")[0]
)
# Whoever runs the tests in the background may have told their processes to ignore interruptions.
LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
COMMAND = [sys.executable, "-c", LISTENING + "from vaehub.cli.main import main; main()", "study", "run"]


def workers_of(process):
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line]


def await_(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def killed_at_work(process, both_work):
    """Kill a worker if it has work, which cannot end between the look and the signal: it is halted meanwhile."""
    if not both_work():
        return False
    workers = workers_of(process)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    if found := both_work():
        os.kill(workers.pop(0), signal.SIGKILL)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    return found


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_while_it_tries_is_no_fault_of_the_request(tmp_path, monkeypatch):
    monkeypatch.setattr("vaehub.hub.study.pool.work", die)
    hub = Hub.open(tmp_path / "store", device="cpu")
    said = (
        r"^study 'small', at model.latent_dim \d, .*: the worker process ended by SIGKILL before anything was made; run"
    )
    with pytest.raises(WorkFailed, match=said):
        hub.study(written(tmp_path)).run(jobs=1)
    assert not hub.store.exists


@pytest.mark.slow
def test_a_killed_worker_costs_its_cell_alone(tmp_path):
    path, store = written(tmp_path, LONG), tmp_path / "store"
    with subprocess.Popen(
        [*COMMAND, path, "--jobs", "2", "--store", store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        hub = Hub.open(store, device="cpu")
        await_(lambda: killed_at_work(process.pid, lambda: hub.store.exists and hub.study(path).state().running >= 2))
        shown, errors = process.communicate(timeout=200)
    assert process.returncode == 1, errors
    assert "4 of 5 measurements done, 1 failed" in shown
    assert "the worker process ended by SIGKILL" in shown
    assert hub.verify().problems == ()
    # Asked again, the rest is made.
    assert hub.study(path).run(jobs=1).done == 5


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.longest)])
def test_a_study_that_is_stopped_goes_on_where_it_was(tmp_path, how):
    path, store = written(tmp_path, LONG.replace("4, 5]", "4, 5, 6, 7]")), tmp_path / "store"
    hub = Hub.open(store, device="cpu")
    study = hub.study(path)  # Read before there is anything to look for, so that the look comes in time.
    with subprocess.Popen([*COMMAND, path, "--jobs", "2", "--store", store], stderr=subprocess.DEVNULL) as process:
        await_(lambda: hub.store.exists and study.state().done >= 2, 120)
        workers = workers_of(process.pid)
        assert len(workers) == 2
        process.send_signal(how)
        process.wait(30)
    await_(lambda: not any(os.path.exists(f"/proc/{worker}") for worker in workers), 30)
    assert hub.verify().problems == ()
    assert 2 <= study.state().done < 7
    before = set(hub.sql("select id, started from measurements where status = 'done'"))
    assert study.run(jobs=2).done == 7
    assert before <= set(hub.sql("select id, started from measurements"))


@pytest.mark.slow
def test_two_studies_in_one_store_at_once_make_what_they_share_once(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    paths = [written(tmp_path, name=name) for name in ("one", "two")]
    states = {}

    def run(path):
        states[path] = Hub.open(tmp_path / "store", device="cpu").study(path).run(jobs=1)

    threads = [threading.Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.done for state in states.values()] == [N, N]
    assert list(hub.sql("select count(*) from trainings")) == [(4,)]
    assert list(hub.sql("select distinct study from results where metric = 'elbo'")) == [("one, two",)]
    assert hub.verify().problems == ()
