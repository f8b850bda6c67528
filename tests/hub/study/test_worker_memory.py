"""How many workers the memory at hand allows."""

import logging
import os
from collections import deque

import pytest

from vaehub.hub.study import pool as pools
from vaehub.hub.study import worker_memory
from vaehub.hub.study.pool import Pool
from vaehub.hub.study.worker_memory import LEAST, MORE, WorkerMemory, _resident, peak_of_process
from vaehub.store.store import Store

MB = 2**20


@pytest.fixture
def at_hand(monkeypatch):
    """Set the memory at hand, in workers that have done nothing yet, for whoever looks at it next."""
    monkeypatch.setattr(worker_memory, "GLANCE", 0.0)

    def set_to(n_bytes):
        monkeypatch.setattr(worker_memory, "memory_at_hand", lambda: n_bytes)

    return set_to


def test_fewer_are_used_and_it_is_said_once(at_hand, caplog):
    at_hand(3 * LEAST + 1)
    memory = WorkerMemory()
    with caplog.at_level(logging.WARNING):
        assert [memory.n_workers(wanted, []) for wanted in (0, 1, 3)] == [0, 1, 3]
        assert not caplog.records
        assert [memory.n_workers(500, []), memory.n_workers(500, [])] == [3, 3]
    [record] = caplog.records
    assert (
        record.getMessage()
        == f"3 of 500 worker processes are used, since each takes about {LEAST // MB} MB and {3 * LEAST // MB} MB of "
        "memory are at hand"
    )


def test_the_largest_decides_and_one_works_in_any_case(at_hand):
    at_hand(10_000 * MB)
    memory = WorkerMemory()
    assert not memory.is_known
    memory.taken(2_000 * MB - MORE)
    memory.taken(500 * MB)
    assert memory.is_known
    assert memory.n_workers(8, []) == 5
    at_hand(0)
    assert memory.n_workers(8, []) == 1


def test_what_workers_have_is_theirs(at_hand, monkeypatch):
    monkeypatch.setattr(worker_memory, "_resident", lambda process: {7: 900 * MB, 8: 700 * MB}[process])
    at_hand(400 * MB)
    memory = WorkerMemory()
    memory.taken(1_000 * MB - MORE)
    assert (memory.n_workers(4, [7, 8]), memory.n_workers(4, [7])) == (2, 1)


def test_a_look_holds_for_a_moment_and_for_the_same_workers(monkeypatch):
    looks, now = [], [100.0]
    monkeypatch.setattr(worker_memory, "memory_at_hand", lambda: looks.append(1) or 10_000 * MB)
    monkeypatch.setattr(worker_memory.time, "monotonic", lambda: now[0])
    memory = WorkerMemory()
    for _ in range(50):
        memory.n_workers(2, [])
    assert len(looks) == 1
    memory.n_workers(2, [os.getpid()])
    assert len(looks) == 2
    now[0] += worker_memory.GLANCE
    memory.n_workers(2, [os.getpid()])
    assert len(looks) == 3


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the system says nothing of other processes")
def test_a_process_knows_what_it_takes():
    assert 10 * MB < _resident(os.getpid()) <= peak_of_process() < 100_000 * MB
    assert _resident(2**31 - 1) == 0


class Worker:
    """What a pool asks of a worker, without a process."""

    def __init__(self, store, device, threads, *, n_workers, shows_progress):
        self.device, self.job, self.pid, self.is_gone = device, None, -1, False

    def take(self, job):
        self.job = job

    def end(self):
        self.is_gone = True


@pytest.fixture
def pool(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "_Worker", Worker)
    return Pool(4, Store.open(tmp_path), ["cpu"])


def test_one_has_a_job_until_it_is_known_what_a_job_takes(pool, at_hand):
    at_hand(100 * LEAST)
    pool.start(3)
    pool._waiting = deque(range(9))
    pool._give_out()
    assert [worker.job for worker in pool._workers] == [0, None, None]
    pool._memory.taken(LEAST)
    pool._give_out()
    assert [worker.job for worker in pool._workers] == [0, 1, 2, 3]


def test_workers_that_memory_does_not_allow_are_ended_before_they_have_a_job(pool, at_hand):
    at_hand(4 * LEAST)
    pool.start(4)
    first, second, *others = pool._workers
    pool._waiting = deque(range(9))
    pool._give_out()
    pool._memory.taken(2 * LEAST - MORE)
    pool._give_out()
    assert pool._workers == [first, second]
    assert [first.job, second.job] == [0, 1]
    assert [each.is_gone for each in (first, second, *others)] == [False, False, True, True]
    # There is room again.
    at_hand(20 * LEAST)
    pool._give_out()
    assert [worker.job for worker in pool._workers] == [0, 1, 2, 3]
