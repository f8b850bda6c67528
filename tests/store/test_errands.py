"""Records that wait are written by whoever has the turn, each exactly once, whatever becomes of either process."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing import get_context

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, python, same_result, weights

from vaehub.core.errors import NotRecorded
from vaehub.store import measurements
from vaehub.store.database import Database
from vaehub.store.errands import LARGEST, MOST, Parcel, carry_out
from vaehub.store.provenance import Provenance
from vaehub.store.store import Store
from vaehub.store.turns import ERRAND, SUFFIX, Errand, turn

# Records a measurement, and says whether it was recorded.
RECORD = """
import sys
from stored_samples import a_measurement, a_result
from vaehub.store.store import Store
print(Store.open(sys.argv[1]).record_measurement(a_measurement(sys.argv[2], training=None), a_result(int(sys.argv[3]))))
"""


@pytest.fixture
def ready(store):
    """A store that is there."""
    store.prepare()
    return store


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def errands_of(store):
    return sorted((store.path / "turns").glob(f"*{ERRAND}"))


def the_turn(store):
    return turn(store.path / "turns", store.path / "results.lock", 60.0)


@contextmanager
def waits(store, work):
    """Have another thread wait for its turn, with an errand, while the context has it; gives turn and outcome."""
    with ThreadPoolExecutor(1) as threads, the_turn(store) as mine:
        waiting = threads.submit(work)
        until(lambda: errands_of(store))
        yield mine, waiting


def measured(store, name="m1", n=1, **options):
    return lambda: store.record_measurement(a_measurement(name, training=None), a_result(n), **options)


def written(store, errands):
    """Write errands, without reporting it, as one does who is killed before; return those that were carried out."""
    with duckdb.connect(store.path / "results.duckdb") as connection:

        @contextmanager
        def writing():
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

        return carry_out(writing, errands)


def parcel(name="m1", n=1, *, process=None, is_known=False):
    """Return the errand of a measurement, of a process that nobody knows."""
    process = process or Provenance({})
    rows = {**process.rows(), **measurements.rows(a_measurement(name, training=None), a_result(n), process.id)}
    content = Parcel("measurements", name, process.id, is_known, rows).packed()
    return Errand(f"ticket of {name}", content)


def n_measurements(store):
    return store.query("select count(*) as n from measurements").to_pylist()[0]["n"]


def holds(store, name="m1", n=1):
    """Say whether a measurement is stored once, with all that belongs to it, and nothing else is wrong."""
    found = store.verify()
    return same_result(store.result(name), a_result(n)) and (found.problems, found.leftovers) == ((), ())


def test_what_was_carried_out_and_reported_is_recorded_and_needs_no_turn(ready, monkeypatch):
    monkeypatch.setattr(Database, "held", lambda _: pytest.fail("it opened the database itself"))
    with waits(ready, measured(ready)) as (mine, waiting):
        for each in written(ready, mine.errands(MOST)):
            each.report_done()
        assert waiting.result(timeout=30) is True, "though others still have the turn"
    monkeypatch.undo()
    assert holds(ready)


def test_a_training_is_recorded_with_losses_and_weights(ready):
    def work():
        return ready.record_training(a_training(), [{"train": {"total": 2.0}}], weights(3))

    with waits(ready, work) as (mine, waiting):
        [done] = written(ready, mine.errands(MOST))
        done.report_done()
        assert waiting.result(timeout=30).id == "t1"
    assert ready.training("t1").weights is not None
    assert ready.epochs("t1") == [{"train": {"total": 2.0}}]
    assert {name: each.tobytes() for name, each in ready.weights("t1").items()} == {
        name: each.tobytes() for name, each in weights(3).items()
    }


@pytest.mark.parametrize("options", [{}, {"replace": True}])
def test_what_was_written_by_one_who_was_killed_before_the_report_is_recorded_once(ready, options):
    with waits(ready, measured(ready, **options)) as (mine, waiting):
        assert len(written(ready, mine.errands(MOST))) == 1
    assert waiting.result() is True
    assert n_measurements(ready) == 1
    assert holds(ready), "its file is the one that was written first"


def test_what_was_taken_and_not_written_is_recorded_by_its_own_process(ready):
    with waits(ready, measured(ready)) as (mine, waiting):
        assert len(mine.errands(MOST)) == 1
        assert mine.errands(MOST) == [], "nobody takes it twice"
    assert waiting.result() is True
    assert holds(ready)


def test_one_who_gives_up_what_was_taken_takes_nothing_back(ready):
    hasty = Store.open(ready.path, timeout=0.5)
    with waits(ready, measured(hasty)) as (mine, waiting):
        assert len(written(ready, mine.errands(MOST))) == 1
        with pytest.raises(
            NotRecorded, match=r"for more than 0\.5 s by another process, which may have written the reco"
        ):
            waiting.result()
    assert holds(ready)


def test_one_who_gives_up_what_nobody_took_has_recorded_nothing(ready):
    hasty = Store.open(ready.path, timeout=0.3)
    with waits(ready, measured(hasty)) as (mine, waiting):
        with pytest.raises(NotRecorded, match="has been locked by another process for more than"):
            waiting.result()
        assert mine.errands(MOST) == []
    assert n_measurements(ready) == 0
    assert ready.verify().leftovers == ()


def test_what_is_stored_already_is_left_to_its_own_process(ready):
    measured(ready, n=5)()
    with waits(ready, measured(ready)) as (mine, waiting):
        assert written(ready, mine.errands(MOST)) == []
    assert waiting.result() is False
    assert holds(ready, n=5)


def test_what_is_to_be_replaced_is_replaced_by_its_own_process(ready):
    measured(ready, n=5)()
    with waits(ready, measured(ready, replace=True)) as (mine, waiting):
        assert written(ready, mine.errands(MOST)) == []
    assert waiting.result() is True
    assert holds(ready)


def test_of_two_with_the_same_id_one_is_carried_out(ready):
    errands = [parcel("m1", 1), parcel("m2", 2), parcel("m1", 3)]
    assert written(ready, errands) == errands[:2]
    assert n_measurements(ready) == 2


def test_the_record_of_a_process_whose_store_was_replaced_is_left_to_it(ready):
    # It may be of a training that this store has not.
    assert written(ready, [parcel(is_known=True)]) == []
    assert n_measurements(ready) == 0


def test_a_process_that_is_known_need_not_be_told_again(ready):
    process = Provenance({})
    assert len(written(ready, [parcel("m1", process=process), parcel("m2", process=process)])) == 2
    process.is_stored = True
    assert len(written(ready, [parcel("m3", process=process, is_known=True)])) == 1
    assert ready.query("select count(*) as n from provenance").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("content", [b"", b"no parcel", parcel().content[:-100], parcel().content[:300]])
def test_what_is_no_parcel_is_left_and_keeps_nobody_from_theirs(ready, content):
    good = parcel()
    assert written(ready, [Errand("another", content), good]) == [good]


def test_the_parcel_of_another_schema_is_left_to_its_process(ready, monkeypatch):
    monkeypatch.setattr("vaehub.store.errands.VERSION", 99)
    errand = parcel()
    monkeypatch.undo()
    assert written(ready, [errand]) == []


def test_rows_that_the_database_refuses_are_left_to_their_processes(ready):
    bad = Parcel("measurements", "m1", "p1", is_known=False, rows={"measured_values": parcel_rows_without_values()})
    assert written(ready, [Errand("bad", bad.packed())]) == []
    assert n_measurements(ready) == 0


def parcel_rows_without_values():
    rows = measurements.rows(a_measurement(training=None), a_result(), "p1")["measured_values"]
    return rows.drop_columns(["value"])


def test_a_large_record_waits_for_a_turn_of_its_own():
    rows = measurements.rows(a_measurement(training=None), a_result(n=LARGEST // 8), "p1")
    assert Parcel("measurements", "m1", "p1", is_known=False, rows=rows).packed() is None


@pytest.mark.slow
def test_a_record_of_one_who_was_killed_as_it_waited_is_whole(ready):
    with the_turn(ready) as mine:
        process = python(RECORD, ready.path, "m1", 1)
        until(lambda: errands_of(ready))
        process.kill()
        process.communicate()
        for each in written(ready, mine.errands(MOST)):
            each.report_done()
    assert holds(ready)
    assert list((ready.path / "turns").iterdir()) == [], "whoever comes next clears away what it left"


def test_what_a_killed_process_left_beside_no_ticket_is_swept_once_it_is_old(ready):
    measured(ready)()
    left = ready.path / "turns" / "0-1-aaaa.done"
    left.touch()
    assert ready.verify(remove_leftovers=True).leftovers == (left,)
    assert left.exists(), "it may be news that its process has not yet read"
    os.utime(left, (0, 0))
    ready.verify(remove_leftovers=True)
    assert not left.exists()


@pytest.mark.slow
def test_processes_record_for_each_other(ready):
    # The first has the turn once the test gives it back; the others' records are there with its own.
    with the_turn(ready):
        processes = [python(RECORD, ready.path, f"m{n}", n) for n in range(3)]
        until(lambda: len(errands_of(ready)) == 3)
        assert len(list((ready.path / "turns").glob(f"*{SUFFIX}"))) == 4
    assert [process.communicate(timeout=60)[0] for process in processes] == ["True\n"] * 3
    assert all(same_result(ready.result(f"m{n}"), a_result(n)) for n in range(3))
    assert (ready.verify().problems, ready.verify().leftovers) == ((), ())


def write_on(path, name, said):
    """Record one measurement after the other until killed, saying so of each."""
    store = Store.open(path)
    for n in count():
        assert store.record_measurement(a_measurement(f"{name}-{n}", training=None, seconds=float(n)), a_result(n))
        os.write(said, f"{name}-{n}\n".encode())


def crowd_of_the_killed(path, n_kills, seed):
    """Kill members of a crowd of writers, each replaced by a new one; return the ids that they said were recorded."""
    dice, reading, said = random.Random(seed), *os.pipe()
    fork = get_context("fork")

    def another(number):
        process = fork.Process(target=write_on, args=(path, f"p{number}", said))
        process.start()
        return process

    crowd = [another(number) for number in range(6)]
    heard = b""
    os.set_blocking(reading, False)
    for kill in range(n_kills):
        before, end = len(heard), time.monotonic() + dice.uniform(0, 0.5)
        # Some records at least between two kills, however busy the machine is.
        while time.monotonic() < end or heard.count(b"\n", before) < 2:
            time.sleep(0.01)
            with suppress(BlockingIOError):
                heard += os.read(reading, 1 << 20)
        at = dice.randrange(len(crowd))
        crowd[at].kill()
        crowd[at].join()
        crowd[at] = another(6 + kill)
    for each in crowd:
        each.kill()
        each.join()
    os.close(said)
    with suppress(BlockingIOError):
        heard += os.read(reading, 1 << 20)
    os.close(reading)
    return heard.decode().split()


@pytest.mark.slow
def test_nothing_is_lost_of_a_crowd_whose_members_are_killed(ready):
    said = crowd_of_the_killed(ready.path, 12, 20261129)
    with ready.burst():
        records = ready.recent(limit=1_000_000)[1]
        wrong = [each.id for each in records if not same_result(ready.result(each.id), a_result(int(each.seconds)))]
    assert wrong == []
    assert len(said) >= 24
    assert set(said) <= {each.id for each in records}
    assert len(records) == len({each.id for each in records})
    assert ready.verify().problems == ()
