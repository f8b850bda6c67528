"""Files appear whole, or are as they were."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaehub import VaehubError, WorkFailed
from vaehub.hub.whole_file import can_be_written, whole_file


def test_what_was_there_stays_until_all_is_written(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with whole_file(path, "it") as place:
        place.write_text("new")
        assert (path.read_text(), place.suffix, place.parent) == ("old", ".txt", tmp_path)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("unexpected")])
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_what_was_there(tmp_path, error, there):
    path = tmp_path / "x.txt"
    if there:
        path.write_text("old")

    def write(place):
        place.write_text("ne")
        raise error

    words = "it cannot be written to .*x.txt': (No space left on device|unexpected)$"
    with pytest.raises(WorkFailed, match=words), whole_file(path, "it") as place:
        write(place)
    assert os.listdir(tmp_path) == ["x.txt"] * there
    assert not there or path.read_text() == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, VaehubError, KeyError])
def test_whatever_else_ends_it_passes(tmp_path, error):
    with pytest.raises(error), whole_file(tmp_path / "x", "it"):
        raise error
    assert os.listdir(tmp_path) == []


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o640)
    (tmp_path / "link").symlink_to("x")
    with whole_file(tmp_path / "link", "it") as place:
        place.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "x").read_text() == "new"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    with whole_file(tmp_path / "x", "it"):
        pass
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_device_is_written_to_as_it_is():
    with whole_file(Path(os.devnull), "it") as place:
        place.write_bytes(b"gone")
    assert not os.path.isfile(os.devnull)


def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path):
    for path, words in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "x", "there is no folder '.*none'"),
        (tmp_path / ("x" * 300), "File name too long"),
        (tmp_path / "a\0b", "null"),
    ):
        with pytest.raises(VaehubError, match=f"it cannot be written to .*{words}") as refused:
            can_be_written(path, "it")
        assert not isinstance(refused.value, WorkFailed)
        with pytest.raises(VaehubError, match=words), whole_file(path, "it"):
            pytest.fail("the work was done")
    can_be_written(tmp_path / "x", "it")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounting needs root on Linux")
def test_a_full_disk_leaves_what_was_there(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (disk / "x").write_text("old")
        with pytest.raises(WorkFailed, match="No space left on device"), whole_file(disk / "x", "it") as place:
            place.write_bytes(bytes(1 << 20))
        assert (disk / "x").read_text() == "old"
        assert os.listdir(disk) == ["x"]
    finally:
        subprocess.run(["umount", disk], check=True)
