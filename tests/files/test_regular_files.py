"""Only regular files are opened."""

import os
import socket

import numpy as np
import pytest
import torch

from vaehub import DataError, VaehubError
from vaehub.adapters import load_weights
from vaehub.files import checksum, map_npy, npz_keys, opened_hdf5, read_members
from vaehub.files.regular import check_regular
from vaehub.hub.study.definition import Definition


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    return tmp_path / "pipe.npy"


READERS = [
    check_regular,
    map_npy,
    npz_keys,
    lambda path: checksum(path, "md5"),
    lambda path: next(iter(read_members(path, bool))),
    lambda path: opened_hdf5(path).__enter__(),
    lambda path: load_weights(torch.nn.Linear(1, 1), path),
    Definition.read,
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("read", READERS)
def test_a_pipe_is_refused_and_not_waited_for(pipe, read):
    with pytest.raises(VaehubError, match=r"pipe.npy' is a pipe, a socket or a device"):
        read(pipe)


def test_so_are_devices_sockets_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as held:
        held.bind("held")
        for path, words in ((tmp_path / "held", "a pipe, a socket"), (tmp_path, "a folder")):
            with pytest.raises(DataError, match=words):
                check_regular(path)
    with pytest.raises(DataError, match="cannot be read .*name a file that is there"):
        check_regular(tmp_path / "none")


def test_a_link_to_a_file_is_read(tmp_path):
    np.save(tmp_path / "x.npy", [1, 2])
    (tmp_path / "link.npy").symlink_to(tmp_path / "x.npy")
    assert map_npy(tmp_path / "link.npy").tolist() == [1, 2]
