from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from stored_samples import a_training, weights

LOSSES = [
    {"train": {"total": 2.0, "kl": 0.5}, "validation": {"total": 2.5, "kl": 0.75}},
    {"train": {"total": 1.0, "kl": float("inf")}, "validation": {"total": 1.5, "kl": 1e-300}},
]


@pytest.fixture
def prepared(store):
    store.prepare()
    return store


def files(store):
    return sorted(path.name for path in (store.path / "arrays").iterdir())


def test_every_field_of_a_training_comes_back(prepared):
    record = a_training(notes=["ümlauts, too", "two notes"], seconds=0.1, device="cuda")
    prepared.record_training(record, LOSSES, weights())
    assert prepared.training("t1") == replace(record, weights=files(prepared)[0])


def test_every_field_of_a_failed_training_comes_back(prepared):
    record = a_training(status="failed", error="training diverged in epoch 2: kl is nan", notes=[])
    prepared.record_training(record, LOSSES[:1], None)
    assert prepared.training("t1") == record


def test_losses_of_every_epoch_come_back_in_their_order(prepared):
    prepared.record_training(a_training(), LOSSES, weights())
    found = prepared.epochs("t1")
    assert found == LOSSES
    assert [list(part) for epoch in found for part in epoch.values()] == [["total", "kl"]] * 4


def test_losses_belong_to_one_training(prepared):
    prepared.record_training(a_training("t1"), LOSSES, weights())
    prepared.record_training(a_training("t2"), LOSSES[:1], weights())
    assert prepared.epochs("t2") == LOSSES[:1]


def test_a_training_that_is_not_there_is_none(prepared):
    assert prepared.training("t1") is None
    assert prepared.epochs("t1") == []
    assert prepared.weights("t1") == {}


def test_a_failed_training_has_no_weights(prepared):
    prepared.record_training(a_training(status="failed", error="no"), [], None)
    assert prepared.weights("t1") == {}


def test_replacing_a_training_replaces_its_losses(prepared):
    prepared.record_training(a_training(), LOSSES, weights())
    assert prepared.record_training(a_training(seconds=9.0), LOSSES[:1], weights(1), replace=True)
    assert prepared.epochs("t1") == LOSSES[:1]
    assert prepared.training("t1").seconds == 9.0


def test_replacing_a_training_replaces_its_weights_and_deletes_the_old_file(prepared):
    prepared.record_training(a_training(), LOSSES, weights(0))
    [old] = files(prepared)
    prepared.record_training(a_training(), LOSSES, weights(1), replace=True)
    [new] = files(prepared)
    assert new != old
    assert np.array_equal(prepared.weights("t1")["encoder.0.weight"], weights(1)["encoder.0.weight"])


def test_a_training_that_is_kept_keeps_its_weights(prepared):
    prepared.record_training(a_training(), LOSSES, weights(0))
    assert not prepared.record_training(a_training(), LOSSES, weights(1))
    assert np.array_equal(prepared.weights("t1")["encoder.0.weight"], weights(0)["encoder.0.weight"])
    assert len(files(prepared)) == 1


def test_the_latest_failure_takes_the_place_of_the_failure_before(prepared):
    prepared.record_training(a_training(status="failed", error="first"), LOSSES, None)
    assert prepared.record_training(a_training(status="failed", error="second"), [], None)
    assert prepared.training("t1").error == "second"
    assert prepared.epochs("t1") == []


def test_the_trainings_that_were_recorded_last_come_first_whatever_clocks_say(prepared):
    begun = a_training().started
    for name, hours in (("t1", 2), ("t2", 5), ("t3", 0)):
        prepared.record_training(a_training(name, started=begun + timedelta(hours=hours)), [], weights())
    assert [each.id for each in prepared.recent()[0]] == ["t3", "t2", "t1"]
    assert [each.id for each in prepared.recent(limit=1)[0]] == ["t3"]
