"""Processes that are killed, at any moment, leave a store that opens and is whole."""

import os
import random
import signal
import time

import pytest
from stored_samples import a_result, python, same_result, weights

from vaehub.store.store import Store

pytestmark = pytest.mark.slow

N_KILLS = 20

# Records as fast as it can: measurements of its own, and one measurement and one training that it replaces.
RECORD = """
import sys
from itertools import count
from stored_samples import a_measurement, a_result, a_training, weights
from vaehub.store.store import Store
import h5py, pyarrow  # so that no time of the loop goes into loading them
store, name = Store.open(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
store.prepare()
for n in count():
    store.record_measurement(a_measurement(f"{name}-{n}", training=None, seconds=float(n)), a_result(n))
    print(f"{name}-{n}", flush=True)
    losses = [{"train": {"total": float(n)}}, {"train": {"total": float(n)}}]
    store.record_training(a_training("t1", seconds=float(n)), losses, weights(n), replace=True)
    store.record_measurement(a_measurement("again", training=None, seconds=float(n)), a_result(n), replace=True)
"""


def kill_after(seconds, process):
    """Kill a process some time from now; returns what it has said until then."""
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.communicate()[0]


def seconds_of_rehearsal(path):
    """Return how long a process takes to make a store and go through its loop four times."""
    with python(RECORD, path, "rehearsal") as process:
        assert process.stdout.readline() == "ready\n"
        started = time.monotonic()
        assert [process.stdout.readline() for _ in range(4)] == [f"rehearsal-{n}\n" for n in range(4)]
        process.kill()
        return time.monotonic() - started


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """A store that processes were recording to when they were killed; what was wrong after that; what they said."""
    path = tmp_path_factory.mktemp("crash") / "store"
    span = seconds_of_rehearsal(tmp_path_factory.mktemp("rehearsal") / "store")
    dice, problems, said = random.Random(20261121), [], []
    # One moment in each twentieth of the time, the earliest first: it is then that the store is being made.
    for attempt in range(N_KILLS):
        process = python(RECORD, path, f"p{attempt}")
        assert process.stdout.readline() == "ready\n"
        said += kill_after(span * (attempt + dice.random()) / N_KILLS, process).split()
        assert process.returncode == -signal.SIGKILL
        if Store.open(path).exists:
            problems += Store.open(path).verify().problems
    return Store.open(path), problems, said


def measurements(store):
    return store.recent(limit=1_000_000)[1]


def test_the_store_is_whole_after_each_kill(crashed):
    assert crashed[1] == []


def test_enough_was_recorded_between_the_kills_to_say_so(crashed):
    processes = {each.partition("-")[0] for each in crashed[2]}
    assert len(processes) >= N_KILLS // 8


def test_every_recorded_measurement_has_all_its_values_and_arrays(crashed):
    store, *_ = crashed
    with store.burst():
        wrong = [
            record.id
            for record in measurements(store)
            # What was measured follows from a number that the record itself has.
            if not same_result(store.result(record.id), a_result(int(record.seconds)))
        ]
    assert wrong == []


def test_what_a_process_said_it_had_recorded_is_there(crashed):
    store, _, said = crashed
    assert set(said) <= {record.id for record in measurements(store)}


def test_measurements_of_each_process_are_there_up_to_the_last(crashed):
    found = {}
    for record in measurements(crashed[0]):
        if record.id != "again":
            name, _, n = record.id.partition("-")
            found.setdefault(name, set()).add(int(n))
    assert found == {name: set(range(len(numbers))) for name, numbers in found.items()}


def test_a_training_that_was_being_replaced_is_the_old_one_or_the_new_one(crashed):
    store, *_ = crashed
    n = store.training("t1").seconds
    assert store.epochs("t1") == [{"train": {"total": n}}] * 2
    kept, expected = store.weights("t1"), weights(int(n))
    assert {name: array.tobytes() for name, array in kept.items()} == {
        name: array.tobytes() for name, array in expected.items()
    }


def test_what_the_killed_left_behind_is_swept_once_it_is_old(crashed):
    store, *_ = crashed
    past = time.time() - 7200
    for path in store.verify().leftovers:
        os.utime(path, (past, past))
    store.verify(remove_leftovers=True)
    found = store.verify()
    assert (found.problems, found.leftovers) == ((), ())
