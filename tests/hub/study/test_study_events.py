"""Events of a study: of each run once, whatever ends it."""

import os

import pytest
from studies import small_study

from vaehub import Hub
from vaehub.core.errors import WorkFailed
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.events import StudyEvents
from vaehub.hub.study.grid import cells_of
from vaehub.hub.study.state import StudyState
from vaehub.registry import hookimpl
from vaehub.registry.catalog import Catalog

PLUGIN = """
import os
from vaehub.registry import hookimpl

def write(*words):
    with open({file!r}, "a") as file:
        print(os.getpid(), *words, file=file)

@hookimpl
def vaehub_study_started(study, scale):
    write("started", study, scale)

@hookimpl
def vaehub_study_ended(status):
    write("ended", status)

@hookimpl
def vaehub_trained(status):
    write("trained", status)
"""


class Listener:
    def __init__(self):
        self.heard = []

    @hookimpl
    def vaehub_study_started(self, study_id, trainings):
        self.heard.append((study_id, len(trainings)))

    @hookimpl
    def vaehub_study_ended(self, study_id, status, counts, error):
        self.heard.append((study_id, status, dict(counts), error))


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


@pytest.fixture
def listener(catalog):
    made = Listener()
    catalog.manager.register(made)
    yield made
    catalog.manager.unregister(made)


@pytest.fixture
def events(catalog, listener):
    return StudyEvents(catalog)


def asked(catalog, text):
    """Return a study at its scale, with what it asks for."""
    scaled = Definition("small", text.encode()).at(None)
    return scaled, cells_of(scaled, catalog, str)


@pytest.fixture(scope="module")
def study(catalog):
    return asked(catalog, small_study())


def state(done, failed=0, stopped=None):
    return StudyState("small", "whole", 4, done, failed, 0, [], stopped=stopped)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (state(4), "done"),
        (state(3, failed=1), "failed"),
        (state(2, stopped="work"), "stopped"),
        (state(1, failed=1, stopped="work"), "stopped"),
    ],
)
def test_the_end_says_how_far_the_study_is(study, events, listener, found, status):
    with events:
        events.started(*study)
        assert events.ended(found) is found
    (name, n_trainings), end = listener.heard
    assert n_trainings == 4
    assert end == (name, status, {"n_measurements": 4, "done": found.done, "failed": found.failed}, None)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (WorkFailed("the executor does not answer"), "failed", "the executor does not answer"),
        (OSError("no space left"), "failed", "OSError: no space left"),
        (KeyboardInterrupt(), "stopped", None),
    ],
)
def test_an_error_or_an_interruption_is_an_end_too(study, events, listener, error, status, said):
    events.started(*study)
    with pytest.raises(type(error)), events:
        raise error
    (name, _), end = listener.heard
    assert end == (name, status, {}, said)


def test_nothing_is_told_of_a_study_that_was_not_begun(events, listener):
    with events:
        events.ended(state(0, stopped="trying"))
    with pytest.raises(WorkFailed), events:
        raise WorkFailed("refused")
    assert listener.heard == []


def test_what_asks_for_the_same_has_the_same_id_whatever_is_said_of_it(catalog, events, listener):
    texts = [small_study(), 'title = "again"\n' + small_study(), small_study(epochs=2)]
    for text in texts:
        events.started(*asked(catalog, text))
    first, again, other = (name for name, _ in listener.heard)
    assert first == again != other


@pytest.mark.slow
def test_workers_tell_of_their_trainings_and_only_who_runs_the_study_tells_of_it(tmp_path, monkeypatch):
    site, file = tmp_path / "site", tmp_path / "events"
    info = site / "listens-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "listens.py").write_text(PLUGIN.format(file=str(file)))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: listens\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vaehub]\nlistens = listens\n")
    monkeypatch.syspath_prepend(str(site))  # workers have the same path
    (tmp_path / "small.toml").write_text(small_study())
    hub = Hub.open(tmp_path / "store", device="cpu")
    assert hub.study(tmp_path / "small.toml").run(jobs=2).done == 4
    first, *between, last = [line.split() for line in file.read_text().splitlines()]
    here = str(os.getpid())
    assert (first, last) == ([here, "started", "small", "whole"], [here, "ended", "done"])
    assert [words for _, *words in between] == [["trained", "done"]] * 4
    assert here not in {process for process, *_ in between}
