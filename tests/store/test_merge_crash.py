"""A merge that is killed leaves all of a store or nothing of it, and merges that cross do not wait for each other."""

import os
import time

import pytest
from stored_samples import a_measurement, a_result, a_training, python, same_result, weights

from vaehub.store.store import Store

# Kills its own process, with no chance to tidy up, when a function is called for the n-th time or has done its work.
KILLED = """
import os, signal, sys
from vaehub.store import merge, merge_rows
from vaehub.store.store import Store
target, source, stage = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def after(module, name, n):
    original, calls = getattr(module, name), []
    def call(*arguments):
        found = original(*arguments)
        calls.append(1)
        if len(calls) == n:
            die()
        return found
    setattr(module, name, call)

if stage == "second file":
    after(merge, "copy_file", 2)
elif stage == "in the middle of rows":
    after(merge_rows, "_parts", 3)
elif stage == "before the commit":
    after(merge, "carry_out", 1)
elif stage == "after the commit":
    merge._Merge._delete = die
Store.open(target).merge(source)
"""
CROSSING = """
import sys
from vaehub.store.store import Store
target, source = sys.argv[1:]
for n in range(4):
    Store.open(target).merge(source)
"""


def filled(path, numbers):
    store = Store.open(path)
    store.prepare()
    with store.burst():
        store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
        for n in numbers:
            store.record_measurement(a_measurement(f"m{n}"), a_result(n))
    return store


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["second file", "in the middle of rows", "before the commit", "after the commit"])
def test_a_merge_that_is_killed_leaves_all_or_nothing_and_is_done_by_asking_again(tmp_path, stage):
    store, other = filled(tmp_path / "one", range(3)), filled(tmp_path / "other", range(2, 8))
    with python(KILLED, store.path, other.path, stage) as process:
        assert process.wait(120) == -9
    expected = 8 if stage == "after the commit" else 3
    assert len(store.recent()[1]) == expected
    assert store.verify().problems == ()
    past = time.time() - 7200
    for path in store.verify().leftovers:
        os.utime(path, (past, past))
    store.verify(remove_leftovers=True)
    [found] = store.merge(other.path)
    assert found.added.get("measurements", 0) == 8 - expected
    assert all(same_result(store.result(f"m{n}"), a_result(n)) for n in range(8))
    verified = store.verify()
    assert (verified.problems, verified.leftovers) == ((), ())


@pytest.mark.slow
def test_stores_that_are_merged_into_each_other_at_once_are_equal_at_the_end(tmp_path):
    stores = [filled(tmp_path / "one", range(5)), filled(tmp_path / "other", range(4, 9))]
    paths = [store.path for store in stores]
    processes = [python(CROSSING, *pair) for pair in (paths, paths[::-1], paths)]
    # Meanwhile somebody records in one of them.
    stores[0].record_measurement(a_measurement("m9"), a_result(9))
    for process in processes:
        with process:
            assert process.wait(240) == 0
    for store in stores:
        store.merge(*paths)
        assert {record.id for record in store.recent()[1]} == {f"m{n}" for n in range(10)}
        verified = store.verify()
        assert (verified.problems, verified.leftovers) == ((), ())
