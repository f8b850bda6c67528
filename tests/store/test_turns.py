"""Whoever waits for a store is served in the order of arrival, and the dead hold up nobody."""

import errno
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from stored_samples import a_measurement, a_result, a_training, python, running, weights

from vaehub.core.errors import NotRecorded, StoreError, WorkFailed
from vaehub.store.database import Database
from vaehub.store.store import Store
from vaehub.store.turns import SUFFIX, TurnTimeout, turn

# Has the turn until it is killed.
HOLD = """
import sys, time
from pathlib import Path
from vaehub.store.turns import turn
with turn(Path(sys.argv[1]), Path(sys.argv[2]), 60.0):
    print("ready", flush=True)
    time.sleep(120)
"""
# Waits for its turn, and says when it has had it.
WAIT = HOLD.replace('print("ready", flush=True)', "pass").replace("time.sleep(120)", 'print("had it", flush=True)')


@pytest.fixture
def place(tmp_path):
    """Folder of tickets, and the lock."""
    return tmp_path / "turns", tmp_path / "results.lock"


def tickets(folder):
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_turns_come_in_the_order_of_arrival(place):
    served = []

    def wait(name):
        with turn(*place, 60.0):
            served.append(name)

    with ThreadPoolExecutor(8) as threads, turn(*place, 60.0):
        for n in range(8):
            threads.submit(wait, n)
            until(lambda n=n: len(tickets(place[0])) == n + 2)
    assert served == list(range(8))
    assert tickets(place[0]) == []


def test_only_one_has_the_turn(place):
    inside, most = [], []

    def work(_):
        with turn(*place, 60.0):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(40)))
    assert most == [1] * 40


def test_a_killed_holder_holds_up_nobody(place):
    with running(HOLD, *place) as process:
        process.kill()
        process.wait()
        assert len(tickets(place[0])) == 1, "the ticket of a killed process stays"
        with turn(*place, 5.0):
            assert len(tickets(place[0])) == 1, "and is taken away by the next"


def test_a_waiter_that_is_killed_holds_up_nobody(place):
    with running(HOLD, *place) as holder:
        waiters = [python(WAIT, *place)]
        until(lambda: len(tickets(place[0])) == 2)
        waiters.append(python(WAIT, *place))
        until(lambda: len(tickets(place[0])) == 3)
        waiters[0].send_signal(signal.SIGKILL)
        waiters[0].wait()
        holder.kill()
        assert waiters[1].communicate(timeout=60)[0] == "had it\n"
        assert waiters[0].communicate()[0] == ""
    until(lambda: tickets(place[0]) == [])


def test_a_ticket_of_before_a_restart_holds_up_nobody(place):
    place[0].mkdir()
    os.mkfifo(place[0] / f"{1:020}-1-aaaa{SUFFIX}")
    with turn(*place, 5.0):
        pass
    assert tickets(place[0]) == []


def test_a_turn_that_does_not_end_is_given_up_and_leaves_no_ticket(place):
    with turn(*place, 60.0):
        started = time.monotonic()
        with ThreadPoolExecutor(1) as threads, pytest.raises(TurnTimeout):
            threads.submit(lambda: turn(*place, 0.3).__enter__()).result()
        assert time.monotonic() - started >= 0.3
        assert len(tickets(place[0])) == 1


def test_the_wait_goes_on_while_turns_change(place):
    # Six turns of 0.2 s before one's own: no process has it for long, though all together do.
    def have(_):
        with turn(*place, 60.0):
            time.sleep(0.2)

    with ThreadPoolExecutor(6) as threads:
        others = threads.map(have, range(6))
        until(lambda: len(tickets(place[0])) == 6)
        started = time.monotonic()
        with turn(*place, 0.7):
            pass
        assert time.monotonic() - started > 0.7
        list(others)


def test_a_fork_that_outlives_its_parent_s_turn_holds_up_nobody(place):
    go, gone = threading.Event(), []
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as threads:
        with turn(*place, 60.0):
            waiter = threads.submit(lambda: [go.set(), turn(*place, 60.0).__enter__(), gone.append(1)])
            go.wait()
            child = os.fork()
            if child == 0:
                os.close(writing)
                os.read(reading, 1)
                os._exit(0)
        waiter.result(timeout=30)
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)
    assert gone == [1]


def test_a_ticket_that_a_failing_disk_keeps_fails_nothing_and_holds_up_nobody(place, monkeypatch):
    def read_only(path, missing_ok=False):
        raise OSError(errno.EROFS, "Read-only file system", path)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", read_only)
        with turn(*place, 1.0) as mine:
            assert not mine.is_served
    assert len(tickets(place[0])) == 1
    with turn(*place, 1.0):
        assert len(tickets(place[0])) == 1  # one's own: whoever comes takes away what is left of the one before


def test_where_no_ticket_can_be_made_the_lock_is_enough(place):
    place[0].write_text("a file where the folder should be")
    with turn(*place, 1.0), ThreadPoolExecutor(1) as threads, pytest.raises(TurnTimeout):
        threads.submit(lambda: turn(*place, 0.2).__enter__()).result()


# What is said of work whose record found the store locked


@pytest.fixture
def locked(store):
    """A prepared store whose database another process has; and the store again, of a process without patience."""
    store.prepare()
    with running(HOLD, store.path / "turns", store.path / "results.lock"):
        yield Store.open(store.path, timeout=0.2)


@pytest.mark.parametrize("kind", ["training", "measurement"])
def test_work_that_cannot_be_recorded_is_a_failure_and_leaves_no_file(locked, kind):
    words = rf"^{kind} .1 was made, but could not be recorded: store '.*' has been locked by another process for more "
    records = {
        "training": lambda: locked.record_training(a_training(), [], weights()),
        "measurement": lambda: locked.record_measurement(a_measurement(), a_result()),
    }
    with pytest.raises(NotRecorded, match=words) as caught:
        records[kind]()
    assert isinstance(caught.value, WorkFailed)  # exit code 1
    assert list((locked.path / "arrays").iterdir()) == []


def test_reading_that_finds_the_store_locked_is_no_failure_of_work(locked):
    with pytest.raises(StoreError) as caught:
        locked.query("from results")
    assert not isinstance(caught.value, WorkFailed)


def test_a_write_that_fails_leaves_neither_rows_nor_a_file(store):
    store.prepare()
    database = Database(store.path / "results.duckdb", 5.0)
    with database.writing() as connection:
        connection.execute("drop view study_results")
        connection.execute("drop view results")
        connection.execute("drop table measured_values")
    with pytest.raises(NotRecorded, match=r"^measurement m1 was made, but could not be recorded: store .* cannot be"):
        store.record_measurement(a_measurement(training=None), a_result())
    assert list((store.path / "arrays").iterdir()) == []
    assert store.recent() == ([], [])


@pytest.mark.slow
def test_in_a_crowd_nobody_starves(tmp_path):
    # Each goes on until all have had their turns: whoever is passed over is seen by how many the others had.
    script = """
import sys, time
from pathlib import Path
from stored_samples import a_measurement, a_result
from vaehub.store.store import Store
store, kind, name, end = Store.open(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
turns = 0
def once():
    if kind == "writer":
        store.record_measurement(a_measurement(f"{name}-{turns}", training=None), a_result(turns))
    else:
        store.query("select count(*) from results")
once()
print("ready", flush=True)
while not end.exists():
    turns += 1
    once()
    (end.parent / f"{name}.turns").write_text(str(turns))
print(turns)
"""
    store, end = Store.open(tmp_path / "store"), tmp_path / "end"
    store.prepare()
    crowd = [python(script, store.path, "writer" if n < 12 else "reader", f"p{n}", end) for n in range(16)]
    for process in crowd:
        assert process.stdout.readline() == "ready\n"
    counts = [tmp_path / f"p{n}.turns" for n in range(16)]
    until(lambda: all(each.exists() and int(each.read_text() or 0) >= 5 for each in counts))
    end.touch()
    turns = [int(process.communicate(timeout=60)[0]) for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 16
    assert min(turns) >= 5
    # In order, each has a turn whenever another has one; a busy machine may keep one from asking for a while.
    assert max(turns) <= 10 * min(turns), turns
    [row] = store.query("select count(*) as n from measurements").to_pylist()
    assert row["n"] == sum(turns[:12]) + 12
    assert store.verify().problems == ()
