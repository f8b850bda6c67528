"""npy and npz without unpickling, and arrays unpacked once."""

import io
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as any_array

from vaehub import DataError
from vaehub.files import arrays, map_npy, npz_blocks, npz_keys, read_npz, unpack

DTYPES = st.sampled_from(["u1", "<i4", ">i4", "<f8", ">f4", "?", "<u2"])


@settings(max_examples=40, deadline=None)
@given(any_array(DTYPES, array_shapes(max_dims=4, max_side=5), elements=None), st.booleans())
def test_every_array_comes_out_as_it_went_in(tmp_path_factory, array, fortran):
    folder = tmp_path_factory.mktemp("arrays")
    array = np.asfortranarray(array) if fortran else array
    np.savez_compressed(folder / "a.npz", first=array, second=np.zeros(2))
    np.save(folder / "a.npy", array)
    for found in (read_npz(folder / "a.npz", "first"), map_npy(folder / "a.npy")):
        assert found.dtype == array.dtype
        assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")
    assert npz_keys(folder / "a.npz") == ["first", "second"]


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_blocks_together_are_the_array(tmp_path, monkeypatch, block):
    array = np.random.default_rng(0).integers(0, 256, (23, 4, 5), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=array)
    monkeypatch.setattr(arrays, "BLOCK", block)
    header, blocks = npz_blocks(tmp_path / "a.npz", "images")
    found = list(blocks)
    assert header.shape == array.shape
    assert np.array_equal(np.concatenate(found), array)
    assert max(len(each) for each in found) == min(23, max(1, block // 20))


def test_a_mapped_array_cannot_be_changed_on_disk(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(5))
    mapped = map_npy(tmp_path / "a.npy")
    mapped[0] = 1
    assert np.load(tmp_path / "a.npy").sum() == 0


class Canary:
    def __reduce__(self):
        return Path.touch, (Path("canary"),)


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_objects_are_refused_and_nothing_is_run(tmp_path, ending):
    path, array = tmp_path / f"a.{ending}", np.array([Canary()], dtype=object)
    (np.savez if ending == "npz" else np.save)(path, array, allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which can run code when they are read"):
        read_npz(path, "arr_0") if ending == "npz" else map_npy(path)
    assert not Path("canary").exists()
    pickle.loads(pickle.dumps(Canary()))
    assert Path("canary").exists(), "the canary does sing when it is let"


def npz_with(path, header):
    """Make an archive whose array has a header of the test's own, and four bytes of values."""
    content = io.BytesIO()
    text = repr(header) if isinstance(header, dict) else header
    content.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(4))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", content.getvalue())
    (path.with_suffix(".npy")).write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"descr": "|u1", "fortran_order": False, "shape": (10**15,)},
        {"descr": "|u1", "fortran_order": False, "shape": (3,)},
        "__import__('pathlib').Path('canary').touch()",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False}",
        "{" * 500,
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_set_aside(tmp_path, header):
    path = npz_with(tmp_path / "a.npz", header)
    for read in (lambda: read_npz(path, "a"), lambda: npz_blocks(path, "a"), lambda: map_npy(path.with_suffix(".npy"))):
        with pytest.raises(DataError) as caught:
            read()
        assert str(tmp_path / "a.np") in str(caught.value)
    assert not Path("canary").exists()


def test_a_missing_array_is_answered_with_those_there_are(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.zeros(1), two=np.zeros(1))
    with pytest.raises(DataError, match=r"a.npz has no array 'three'; it has 'one', 'two'"):
        read_npz(tmp_path / "a.npz", "three")


@pytest.mark.parametrize("cut", [5, 60, 1000])
def test_a_truncated_file_is_named(tmp_path, cut):
    np.save(tmp_path / "a.npy", np.zeros(1000))
    path = tmp_path / "a.npy"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        DataError, match=r"a.npy (cannot be read as an npy file|should have 8000 bytes of values, and has)"
    ):
        map_npy(path)


# Unpacked once

ARRAY = np.arange(60, dtype=np.int32).reshape(20, 3)


def test_an_array_is_unpacked_once_and_mapped_afterwards(cache):
    calls = []

    def blocks():
        calls.append(1)
        return iter(np.array_split(ARRAY, 7))

    for _ in range(3):
        found = unpack("some-1", (20, 3), ARRAY.dtype, blocks)
        assert isinstance(found, np.memmap)
        assert np.array_equal(found, ARRAY)
    assert len(calls) == 1


@pytest.mark.parametrize("blocks", [lambda: [ARRAY[:19]], lambda: [ARRAY, ARRAY]])
def test_another_number_of_rows_is_refused_and_nothing_is_kept(cache, blocks):
    with pytest.raises(DataError, match=r"some-1 should have 20 rows, and its source has"):
        unpack("some-1", (20, 3), ARRAY.dtype, blocks)
    assert not list(cache.rglob("*.npy"))
    assert not list(cache.rglob("*.part"))


def test_a_disk_that_is_too_small_is_noticed_before_it_is_filled(cache, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(DataError, match=r"has 0.0 GB left and unpacking some-1 takes 0.0 GB; make room"):
        unpack("some-1", (20, 3), ARRAY.dtype, lambda: [ARRAY])


def test_a_killed_process_leaves_nothing_under_the_final_name(cache):
    program = """
import os, signal
import numpy as np
from vaehub.files import unpack
def blocks():
    yield np.zeros((10, 3), np.int32)
    os.kill(os.getpid(), signal.SIGKILL)
unpack("some-1", (20, 3), np.dtype(np.int32), blocks)
"""
    done = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert not list(cache.rglob("*.npy"))
    assert np.array_equal(unpack("some-1", (20, 3), ARRAY.dtype, lambda: [ARRAY]), ARRAY)


@pytest.mark.parametrize("whole", [1 << 30, 10])
def test_an_array_stored_by_columns_comes_in_blocks_of_rows(tmp_path, monkeypatch, whole):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(arrays, "WHOLE", whole)
    monkeypatch.setattr(arrays, "BLOCK", 50)
    values = np.arange(42.0).reshape(7, 3, 2)
    for saved in (np.savez, np.savez_compressed):
        saved(tmp_path / "columns.npz", x=np.asfortranarray(values))
        header, blocks = npz_blocks(tmp_path / "columns.npz", "x")
        found = list(blocks)
        assert header.fortran
        assert len(found) == 7
        assert np.array_equal(np.concatenate(found), values)
    assert not list(tmp_path.glob("cache/**/*.part"))


def test_an_empty_array_stored_by_columns_has_no_blocks(tmp_path):
    np.savez(tmp_path / "empty.npz", x=np.empty((0, 3), order="F"))
    _, blocks = npz_blocks(tmp_path / "empty.npz", "x")
    assert list(blocks) == []
