"""The database is open for as long as workers call in a row, and no longer."""

import pytest

from vaehub import Result, StoreError
from vaehub.hub.study import record_keeper
from vaehub.hub.study.record_keeper import RecordKeeper
from vaehub.hub.study.worker_process import StoreCall
from vaehub.store import turns
from vaehub.store.records import MeasurementRecord, now
from vaehub.store.store import Store


def recorded(name):
    request = {"metric": {"name": "elbo", "params": {}}}
    record = MeasurementRecord(name, "elbo", {}, 0, {}, request, None, None, "done", None, now(), 1.0)
    return StoreCall("insert_measurement", (record, Result(scalars={"elbo": 1.0}), None), replace=False)


@pytest.fixture
def keeper(tmp_path):
    store = Store.open(tmp_path / "store", plugins={"vaehub": "0"})
    store.prepare()
    found = RecordKeeper(store)
    yield found
    found.let_go()


def test_the_database_stays_open_after_a_record_until_it_is_let_go(keeper):
    assert keeper.serve(StoreCall("trainings", (["t"],))) == {}
    assert not keeper.holds
    keeper.serve(recorded("m1"))
    assert keeper.holds
    assert list(keeper.serve(StoreCall("find_many", (["m1"],)))) == ["m1"]
    keeper.let_go()
    assert not keeper.holds
    assert list(keeper.serve(StoreCall("find_many", (["m1"],)))) == ["m1"]


def test_it_is_let_go_when_another_process_waits_or_after_a_while(keeper, monkeypatch):
    keeper.serve(recorded("m1"))
    assert not keeper.is_due
    with turns._ticket(keeper._store.path / "turns"):
        assert keeper.is_due
    monkeypatch.setattr(record_keeper, "LONGEST", 0.0)
    assert keeper.is_due
    keeper.let_go()
    assert not keeper.is_due


def test_a_call_that_fails_lets_it_go(keeper):
    keeper.serve(recorded("m1"))
    with pytest.raises(StoreError, match="asked the store for 'query'"):
        keeper.serve(StoreCall("query", ("from trainings",)))
    assert not keeper.holds
    keeper.serve(recorded("m2"))
    assert keeper.serve(StoreCall("find_many", (["m1", "m2"],))).keys() == {"m1", "m2"}
