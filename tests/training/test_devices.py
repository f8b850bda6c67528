"""Devices: how they are named, which are there, and that each worker of a study has one."""

from collections import deque
from types import SimpleNamespace

import pytest
import torch
from pretended_device import pretended

from vaehub.core.errors import VaehubError
from vaehub.hub.study.pool import Pool
from vaehub.store.store import Store
from vaehub.training import devices
from vaehub.training.devices import device_names, find_devices, one_device_name


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("auto", ["auto"]),
        ("cpu", ["cpu"]),
        ("mps", ["mps"]),
        ("cuda", ["cuda:0"]),
        ("cuda:1", ["cuda:1"]),
        ("cuda:0,1", ["cuda:0", "cuda:1"]),
        ("cuda:2, cuda:0", ["cuda:2", "cuda:0"]),
    ],
)
def test_names(asked, names):
    assert list(device_names(asked)) == names


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("tpu", "unknown device 'tpu'; 'auto', 'cpu', 'mps', 'cuda', 'cuda:1' and, with a worker each, 'cuda:0,1' are"),
        ("cuda:x", "unknown device 'cuda:x'"),
        ("cuda:01", "unknown device 'cuda:01'"),
        ("cuda:0,", "unknown device '' in 'cuda:0,'"),
        ("cpu,1", "unknown device '1' in 'cpu,1'"),
        ("", "unknown device ''"),
        ("cuda:0,cpu", "devices 'cuda:0,cpu' mix kinds, between which numbers differ; name those of one kind"),
        ("auto,cuda", "devices 'auto,cuda' mix kinds"),
        ("cuda:1,0,1", "device 'cuda:1' is named twice in 'cuda:1,0,1'; for several workers on one, 'study run' has"),
    ],
)
def test_what_is_no_device(asked, says):
    with pytest.raises(VaehubError, match=says):
        device_names(asked)


def test_one_device_is_not_two():
    assert one_device_name("cuda") == "cuda:0"
    with pytest.raises(VaehubError, match="one device computes here, and 'cuda:0,1' names 2; 'study run' and 'suggest"):
        one_device_name("cuda:0,1")


def test_what_is_there_is_found_and_what_is_not_is_refused():
    assert find_devices("cpu") == (torch.device("cpu"),)
    with pretended("cuda", n=2):
        assert find_devices("auto") == find_devices("cuda") == (torch.device("cuda", 0),)
        assert find_devices("cuda:0,1") == (torch.device("cuda", 0), torch.device("cuda", 1))
        with pytest.raises(VaehubError, match="device 'cuda:2' was asked for, and there is 'cuda:0' to 'cuda:1'"):
            find_devices("cuda:0,1,2")
        with pytest.raises(VaehubError, match="'mps' was asked for, and PyTorch finds no MPS device here"):
            find_devices("mps")
    with pretended("mps"):
        assert find_devices("mps") == (torch.device("mps"),)
        assert find_devices("auto") == (torch.device("cpu"),)
        with pytest.raises(VaehubError, match="'cuda:0,1' was asked for, and PyTorch finds no CUDA device here"):
            find_devices("cuda:0,1")


def test_workers_are_spread_over_devices_and_a_lost_one_is_replaced_on_its_own(tmp_path, monkeypatch):
    made = []

    class Worker:
        def __init__(self, store, device, threads, *, n_workers, shows_progress):
            self.device, self.job, self.pid = device, None, -1
            made.append(device)

        def take(self, job):
            self.job = job

    monkeypatch.setattr("vaehub.hub.study.pool._Worker", Worker)
    pool = Pool(4, Store.open(tmp_path), ["cuda:0", "cuda:1"])
    pool._memory.taken(1)
    pool._waiting = deque(range(9))
    pool._give_out()
    assert sorted(made) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    del pool._workers[made.index("cuda:1")]
    pool._give_out()
    assert made[4:] == ["cuda:1"]


@pytest.mark.parametrize(
    ("platform", "files", "asked", "is_sure"),
    [
        ("linux", [], "auto", True),
        ("linux", ["null"], "auto", True),
        ("linux", ["nvidiactl"], "auto", False),
        ("linux", ["kfd"], "auto", False),
        ("linux", ["dxg"], "auto", False),
        ("linux", ["nvidia0"], "cpu", True),
        ("linux", [], "cuda", False),
        ("darwin", [], "auto", True),
        ("darwin", [], "mps", False),
        ("win32", [], "auto", False),
    ],
)
def test_that_the_cpu_computes_is_known_without_torch_where_no_driver_is(
    tmp_path, monkeypatch, platform, files, asked, is_sure
):
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    monkeypatch.setattr(devices, "sys", SimpleNamespace(platform=platform))
    assert devices.is_cpu_alone(asked) is is_sure
