"""What one names goes, and nothing that anything else needs."""

import shutil
from datetime import timedelta

import numpy as np
import pytest
from stored_samples import STARTED, a_measurement, a_result, a_training, running, weights

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.result import Result
from vaehub.store.prune import Selection
from vaehub.store.records import CellRecord
from vaehub.store.store import Store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A store of two trainings, three measurements of the first, a pair, a failure, and two studies."""
    found = Store.open(tmp_path_factory.mktemp("template") / "store")
    found.prepare()
    days = [STARTED + timedelta(days=n) for n in range(10)]
    with found.burst():
        for n, name in enumerate(("t1", "t2")):
            found.record_training(a_training(name, started=days[n]), [{"train": {"kl": 1.0}}], weights(n))
        for n in range(1, 4):
            found.record_measurement(a_measurement(f"m{n}", started=days[n]), a_result(n))
        found.record_measurement(a_measurement("pair", other="t2", started=days[9]), Result({"cka": 0.5}))
        found.record_measurement(a_measurement("lost", training="t2", status="failed", error="why"), Result())
    with found.session() as session:
        session.insert_study("one", "full", "", {}, [cell("t1", "m1"), cell("t1", "m2")])
        session.insert_study("two", "full", "", {}, [cell("t1", "m2"), cell("t2", "pair")])
    return found


@pytest.fixture
def store(template, tmp_path):
    """A copy of it."""
    shutil.copytree(template.path, tmp_path / "store")
    return Store.open(tmp_path / "store")


def cell(training, measurement):
    return CellRecord(0, {}, "relevance", training, measurement)


def left(store):
    trainings, measurements = store.recent()
    return {each.id for each in trainings}, {each.id for each in measurements}


ALL = ({"t1", "t2"}, {"m1", "m2", "m3", "pair", "lost"})
CHOSEN = {
    "failed": (Selection(failed=True), ((), ("lost",))),
    "ids": (Selection(ids=["m1", "lo"]), ((), ("lost", "m1"))),
    "an id that failed": (Selection(ids=["m1", "lost"], failed=True), ((), ("lost",))),
    "a study and what it shares with none": (Selection(study="one"), ((), ("m1",))),
    "the other study, with a pair": (Selection(study="two"), (("t2",), ("pair",))),
    "before": (Selection(before=STARTED + timedelta(days=2)), ((), ("lost", "m1"))),
    "a training with all that measures it": (Selection(ids=["t2", "pair", "lost"]), (("t2",), ("lost", "pair"))),
}


@pytest.mark.parametrize("what", CHOSEN)
def test_what_is_chosen_is_listed_first_and_then_goes_and_nothing_else(store, what):
    chosen, (trainings, measurements) = CHOSEN[what]
    if "pair" in measurements and "lost" not in measurements:
        store.record_measurement(a_measurement("lost"), Result())  # of the other training
    listed = store.prune(chosen, dry=True)
    assert (listed.trainings, listed.measurements, listed.is_done) == (trainings, measurements, False)
    assert left(store) == ALL
    gone = store.prune(chosen)
    assert (gone.trainings, gone.measurements, gone.files, gone.is_done) == (
        *(listed.trainings, listed.measurements, listed.files),
        True,
    )
    assert left(store) == (ALL[0] - set(trainings), ALL[1] - set(measurements))
    verified = store.verify()
    assert (verified.problems, verified.leftovers) == ((), ())
    assert {each.study for each in store._session.studies()} == {"one", "two"} - {chosen.study}


def test_a_training_that_is_needed_is_refused_by_its_id_and_kept_otherwise(store):
    with pytest.raises(VaehubError, match=r"^training t2 is needed by measurements that stay; name them too, or"):
        store.prune(Selection(ids=["t2", "lost"]))
    assert left(store) == ALL
    assert store.prune(Selection(before=STARTED + timedelta(days=3))).kept == ("t1", "t2")
    assert left(store) == (ALL[0], {"m3", "pair"})


def test_a_training_that_another_metric_or_training_names_is_needed(store):
    store.record_training(a_training("t3"), [], weights())
    store.record_measurement(
        a_measurement("m4", training=None, subject={"dataset": "digits"}, request={"params": {"training": "t3"}}),
        Result(),
    )
    with pytest.raises(VaehubError, match="training t3 is needed"):
        store.prune(Selection(ids=["t3"]))


def test_weights_go_alone_and_come_back_when_they_are_asked_for_again(store):
    result = store.result("m1")
    gone = store.prune(Selection(ids=["t1"], weights=True))
    assert (gone.trainings, gone.measurements, len(gone.files)) == (("t1",), (), 1)
    assert gone.n_bytes > 0
    record = store.training("t1")
    assert (record.status, record.error) == ("failed", "its weights were pruned; ask for it again to train it again")
    assert np.array_equal(store.result("m1").arrays["response"], result.arrays["response"])
    assert len(store.query("select * from results where measurement = 'm1'")) == 17
    assert store.verify().problems == ()
    assert store.record_training(a_training(), [], weights()) is not None


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (Selection(), "nothing was said of what to remove; give ids, '--failed', '--study', '--before', or several"),
        (Selection(weights=True), "nothing was said of what to remove"),
        (Selection(scale="full", failed=True), "scale 'full' was given without a study; name one with '--study'"),
        (Selection(study="three"), "the store has nothing of study 'three'; 'vaehub study list' shows what it has"),
        (Selection(ids=["x"]), "has an id that begins with 'x'"),
    ],
)
def test_what_selects_nothing_or_all_is_refused(store, chosen, sentence):
    with pytest.raises(VaehubError, match=sentence):
        store.prune(chosen)
    assert left(store) == ALL


def test_nothing_goes_while_another_process_makes_a_record(store):
    script = """
import sys, time
from vaehub.store.store import Store
with Store.open(sys.argv[1]).working_on("m9"):
    print("ready", flush=True)
    time.sleep(60)
"""
    with running(script, store.path):
        with pytest.raises(StoreError, match=r"is being worked on \(m9 is being made\), and what is made may need"):
            store.prune(Selection(failed=True))
        assert store.prune(Selection(failed=True), dry=True).measurements == ("lost",)
    assert left(store) == ALL
