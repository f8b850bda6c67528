"""Records that jobs away from the database deliver, and their collection."""

from dataclasses import replace

import numpy as np
import pytest

from vaehub import Result, Table
from vaehub.store.delivery_session import DeliverySession, known_of, plain_of
from vaehub.store.provenance import Provenance
from vaehub.store.store import Store

RESULT = Result(
    scalars={"n_active": 2},
    vectors={"kl": [0.5, 0.25, float("nan")]},
    tables={"pairs": Table({"a": ["x", "x"], "b": [1, 2]}, {"cka": [0.5, float("inf")]})},
    arrays={"matrix": np.eye(2)},
)
ROWS = {
    "trainings": "id, recipe, latent_dim, status, error, notes, started, seconds, device",
    "epochs": "*",
    "measurements": "id, metric, params, seed, subject, request, training, status, error, started, seconds",
    "measured_values": "* replace (value::varchar as value)",
    "arrays": "owner, name, shape, dtype, sha256",
}


@pytest.fixture
def away(store):
    """Makes the store as a worker sees that does a job."""

    def make(job="job", known=()):
        session = DeliverySession(store.deliveries, job, Provenance({"vaehub": "0.1.0"}), dict(known))
        return Store(store.path, session)

    store.prepare()
    return make


def rows(store):
    return {
        table: store.query(f"select {columns} from {table} order by all").to_pylist() for table, columns in ROWS.items()
    }


def n_files(store):
    return len(list((store.path / "arrays").iterdir()))


def test_what_is_collected_is_what_recording_it_would_have_stored(
    away, store, tmp_path, make_training, make_measurement, epochs, weights
):
    training, direct = make_training(), Store.open(tmp_path / "direct")
    direct.prepare()
    for each in away(), direct:
        each.record_training(training, epochs, weights)
        each.record_measurement(make_measurement(training, started=training.started), RESULT)
    assert store.training(training.id) is None
    store.collect({"job"})
    assert rows(store) == rows(direct)
    # A submitter that was killed collects all of it once more.
    store.collect({"job"})
    assert rows(store) == rows(direct)
    store.collect({"job"}, are_over=True)
    assert rows(store) == rows(direct)
    assert store.deliveries.delivered({"job"}) == []
    found = store.verify()
    assert (found.problems, found.leftovers) == ((), ())


def test_of_two_jobs_that_made_the_same_one_is_kept_and_the_file_of_the_other_goes(
    away, store, make_training, epochs, weights
):
    training = make_training()
    for job in "a", "b":
        away(job).record_training(training, epochs, weights)
    assert n_files(store) == 2
    store.collect({"a"}, are_over=True)
    store.collect({"b"}, are_over=True)
    assert n_files(store) == 1
    assert store.verify().problems == ()


def test_a_failure_takes_the_place_of_nothing_and_a_success_that_of_a_failure(
    away, store, make_training, make_measurement
):
    good, bad = make_measurement(), make_measurement(status="failed", error="no memory")
    away("a").record_measurement(bad, Result())
    store.collect({"a"})
    assert store.measurement(good.id).error == "no memory"
    away("b").record_measurement(good, RESULT)
    store.collect({"b"})
    assert store.measurement(good.id).status == "done"
    store.collect({"a", "b"})
    assert store.measurement(good.id).status == "done"
    assert store.result(good.id).scalars["n_active"] == 2


def test_a_measurement_waits_for_its_training(away, store, make_training, make_measurement, epochs, weights):
    training = make_training()
    away("measuring", {training.id: (training, None)}).record_measurement(make_measurement(training), RESULT)
    store.collect({"measuring"})
    assert store.measurement(make_measurement(training).id) is None
    away("training").record_training(training, epochs, weights)
    store.collect({"measuring", "training"})
    assert store.measurement(make_measurement(training).id).status == "done"


def test_files_that_wait_to_be_collected_are_no_leftovers(away, store, make_training, epochs, weights):
    away().record_training(make_training(), epochs, weights)
    assert store.verify().leftovers == ()
    store.deliveries.remove({"job"})
    assert len(store.verify().leftovers) == 1


def test_a_second_attempt_knows_what_the_first_delivered(away, make_training, make_measurement, epochs, weights):
    training = make_training()
    stored = away().record_training(training, epochs, weights)
    second = away()
    assert second.training(training.id) == stored
    np.testing.assert_array_equal(second.weights(training.id)["encoder.weight"], weights["encoder.weight"])
    assert second.record_training(training, epochs, weights) is None
    failed = replace(training, status="failed", error="killed")
    assert second.record_training(failed, [], None) is None
    assert second.training(training.id).status == "done"


def test_known_trainings_survive_their_text(filled, make_training):
    with filled.session() as session:
        known = session.known([make_training().id])
    assert known_of(plain_of(known)) == known
    assert known[make_training().id][1] is not None


def test_what_is_damaged_or_of_another_version_is_not_collected(away, store, make_measurement):
    away().record_measurement(make_measurement(), RESULT)
    [delivery] = store.deliveries.delivered({"job"})
    delivery.path.write_bytes(delivery.path.read_bytes()[:-200])
    store.collect({"job"})
    assert store.measurement(make_measurement().id) is None
