"""Clocks that are set back, and those of two computers that differ, change neither order nor what is swept."""

import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.store.records import now
from vaehub.store.turns import turn
from vaehub.store.verify import SAFE_AGE

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_the_latest_record_is_the_one_that_was_recorded_last(store, skew):
    for n, moment in enumerate((now(), now() + skew, now())):
        store.record_training(a_training(f"t{n}", started=moment), [], weights())
        store.record_measurement(a_measurement(f"m{n}", training="t0", started=moment), a_result())
    trainings, measurements = store.recent()
    assert [each.id for each in trainings] == ["t2", "t1", "t0"]
    assert [each.id for each in measurements] == ["m2", "m1", "m0"]
    assert [each.id for each in store.measurements_of("t0")] == ["m0", "m1", "m2"]
    assert [each.id for each in store.recent(1)[0]] == ["t2"]


@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_the_latest_study_is_the_one_that_was_asked_for_last(store, skew, monkeypatch):
    store.prepare()
    clock = iter([now(), now() + skew, now()])
    monkeypatch.setattr("vaehub.store.studies.now", lambda: next(clock))
    with store.session() as session:
        for name in "abc":
            session.insert_study(name, "whole", name, {}, [])
        assert [each.study for each in session.studies()] == ["c", "b", "a"]


def test_turns_are_had_by_all_though_the_clock_goes_backwards(tmp_path, monkeypatch):
    lock, clock = threading.Lock(), [10**18]

    def backwards():
        with lock:
            clock[0] -= 10**9
            return clock[0]

    backward = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=backwards, sleep=time.sleep)
    monkeypatch.setattr("vaehub.store.turns.time", backward)
    inside, had = [], []

    def work(n):
        with turn(tmp_path / "turns", tmp_path / "lock", 60.0):
            inside.append(n)
            assert inside == [n]
            time.sleep(0.002)
            inside.remove(n)
            had.append(n)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(12)))
    assert sorted(had) == list(range(12))
    assert list((tmp_path / "turns").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["arrays/training-t1-77-aaaa.partial", "arrays/measurement-t1-bbbb.h5", "checkpoints/t1-77-cccc.partial"],
)
@pytest.mark.parametrize("hours", [-2, 2])
def test_a_file_of_a_process_at_work_is_not_swept_whatever_its_age_seems_to_be(store, name, hours):
    store.prepare()
    path, lock = store.path / name, store.path / "locks" / "t1.lock"
    for each in (path, lock):
        each.parent.mkdir(exist_ok=True)
        each.write_bytes(b"")
        moment = time.time() + 3600 * hours
        os.utime(each, (moment, moment))
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert store.verify(remove_leftovers=True).leftovers == (path,)
        assert path.exists()
    # The process has died: of a file from the future nobody knows how old it is, and it is kept.
    store.verify(remove_leftovers=True)
    assert path.exists() == (hours > 0)


def test_a_lock_is_of_whoever_lives_and_not_of_a_time(store):
    store.prepare()
    path = store.path / "locks" / "t1.lock"
    path.parent.mkdir()
    path.write_bytes(b"")
    for moment in (0.0, time.time() - SAFE_AGE, time.time() + SAFE_AGE):
        os.utime(path, (moment, moment))
        assert not store.is_worked_on("t1")
        with path.open("r+b") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert store.is_worked_on("t1")
