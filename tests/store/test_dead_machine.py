"""What a machine leaves that loses its power: a log, tickets, locks, and files that are half written."""

import os
import signal
import time

import pytest
from stored_samples import a_measurement, a_result, a_training, python, same_result, weights

from vaehub.store.store import Store
from vaehub.store.verify import SAFE_AGE

# Ends between a commit and the moment at which what was committed is written from the log into the file.
DIE = """
import os, sys
from stored_samples import a_measurement, a_result, a_training, weights
from vaehub.store import database
from vaehub.store.store import Store
store = Store.open(sys.argv[1])
store.record_training(a_training("t1"), [{"train": {"total": 1.0}}], weights())
database.Database._end = lambda *_, **__: os.kill(os.getpid(), 9)
store.record_measurement(a_measurement("m1", training="t1"), a_result())
"""


@pytest.fixture
def left(tmp_path):
    """The store of a machine that died, and what is of no use to anybody in it."""
    path = tmp_path / "store"
    process = python(DIE, path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (path / "results.duckdb.wal").exists()
    [ticket] = (path / "turns").iterdir()
    ticket.rename(ticket.with_name(f"{10**19:020}-9-aaaa.ticket"))  # it had been up for longer than this one
    os.mkfifo(path / "turns" / f"{1:020}-9-bbbb.drawn")
    rubbish = [
        "arrays/measurement-m2-9-aaaa.partial",
        "arrays/measurement-m2-aaaa.h5",
        "checkpoints/t2-9-aaaa.partial",
        "results.duckdb-aaaa.partial",
        "results.duckdb-aaaa.partial.wal",
    ]
    for name in ("locks/t2.lock", *rubbish):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"half")
    return path, [*map(path.joinpath, rubbish), *(path / "turns").iterdir()]


def test_what_was_committed_is_there_and_work_goes_on(left):
    path, rubbish = left
    store = Store.open(path, timeout=5.0)
    found = store.find_many(["m1"])["m1"]
    assert same_result(found.result, a_result())
    assert found.training.id == "t1"
    with store.working_on("t2"):
        store.record_training(a_training("t2"), [], weights())
    store.record_measurement(a_measurement("m2", training="t2"), a_result())
    assert [each.id for each in store.recent()[0]] == ["t2", "t1"]
    assert not (path / "results.duckdb.wal").exists()
    assert store.verify().problems == ()
    assert set(store.verify().leftovers) <= set(rubbish)


def test_what_is_of_no_use_is_named_and_swept_when_it_is_old(left):
    path, rubbish = left
    store = Store.open(path, timeout=5.0)
    # Nobody stands behind a ticket of a number that is far ahead, and whoever comes takes one that is behind away.
    assert set(store.verify(remove_leftovers=True).leftovers) == {*rubbish}
    assert all(each.exists() for each in rubbish), "they may be of another machine that is about to need them"
    past = time.time() - SAFE_AGE - 1
    for each in rubbish:
        os.utime(each, (past, past))
    store.verify(remove_leftovers=True)
    assert not any(each.exists() for each in rubbish)
    found = store.verify()
    assert (found.problems, found.leftovers) == ((), ())
    assert list((path / "locks").iterdir()) == [path / "locks" / "t2.lock"]
    assert store.training("t1").status == "done"
