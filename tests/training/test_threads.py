"""How many threads compute is decided by the size of the work, unless the user has said."""

import pytest
import torch

from vaehub.executors import SHARE_OF_THREADS
from vaehub.hub.study.worker_process import Threads
from vaehub.training import threads
from vaehub.training.threads import LARGE, SETTINGS, operations, share_of_threads, threads_for

CPU = torch.device("cpu")


@pytest.fixture
def three_cores(monkeypatch):
    """A machine of three cores, and a user who has said nothing."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "n_cores", lambda: 3)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def n_inside(work, device=CPU, **named):
    with threads_for(work, device, **named):
        return torch.get_num_threads()


@pytest.mark.usefixtures("three_cores")
def test_small_work_has_one_thread_and_large_work_all_of_them():
    assert n_inside(LARGE - 1) == 1
    assert n_inside(LARGE) == 3
    assert n_inside(1, torch.device("cuda", 0)) == 3
    with pytest.raises(ZeroDivisionError), threads_for(1, CPU):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_cores")
def test_a_number_that_the_user_has_set_stays(monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "_n_whole_cores", lambda: 3)
    assert n_inside(1) == 2
    assert n_inside(1, share=2) == 1  # nobody asked for it
    # Two processors share a core, and PyTorch has a thread for each core.
    monkeypatch.setattr(threads, "_n_whole_cores", lambda: 2)
    assert n_inside(1) == 1
    for name in SETTINGS:
        monkeypatch.setenv(name, "2")
        assert n_inside(1) == 2
        monkeypatch.delenv(name)


def test_cores_are_divided_among_workers_unless_the_user_says(monkeypatch):
    monkeypatch.setattr("vaehub.hub.study.worker_process.n_cores", lambda: 8)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert [Threads.among(n) for n in (1, 3, 16)] == [Threads(8, False), Threads(2, False), Threads(1, False)]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert [Threads.among(n) for n in (1, 16)] == [Threads(2, True)] * 2


def test_weights_that_no_product_has_count_as_one_each():
    assert operations(1000.0, 3) == 3000.0
    assert operations(0.0, 50) == 300.0


@pytest.mark.usefixtures("three_cores")
def test_there_are_as_many_whole_cores_as_cores_at_most():
    assert 1 <= threads._n_whole_cores() <= len(threads.os.sched_getaffinity(0))


@pytest.mark.usefixtures("three_cores")
def test_a_number_that_an_engine_divided_is_nobodys_wish(monkeypatch):
    monkeypatch.setenv(SETTINGS[0], "3")
    assert n_inside(LARGE - 1, share=share_of_threads()) == 3
    monkeypatch.setenv(SHARE_OF_THREADS, "3")
    assert n_inside(LARGE - 1, share=share_of_threads()) == 1
    assert n_inside(LARGE, share=share_of_threads()) == 3
