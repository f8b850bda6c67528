"""idx files: found in the right order, checked, decoded."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaehub import DataError
from vaehub.plugins.mnist import idx
from vaehub.plugins.mnist.idx import Home, IdxFile, parse_idx, read

# An address that nothing listens at: port 9 of this machine.
NOWHERE = "http://127.0.0.1:9/"


def encoded(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@given(arrays(np.uint8, st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 5))))
def test_an_array_survives_the_format(array):
    assert np.array_equal(parse_idx(encoded(array)), array)


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", b"PK\x03\x04...."])
def test_another_format_is_refused(content):
    with pytest.raises(DataError, match="an idx file of bytes starts with 00 00 08"):
        parse_idx(content)


def test_a_wrong_length_is_refused():
    with pytest.raises(DataError, match=r"shape \(2, 3\) has 6 values, got 5"):
        parse_idx(encoded(np.zeros((2, 3), np.uint8))[:-1])


ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)
FILE = IdxFile("some-idx2-ubyte.gz", hashlib.md5(encoded(ARRAY)).hexdigest(), "0" * 32)


def put(folder: Path, content: bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE.name).write_bytes(gzip.compress(encoded(ARRAY)) if content is None else content)
    return folder / FILE.name


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    return tmp_path / "cache" / "some"


@pytest.mark.parametrize("below", ["", "some"])
def test_the_named_folder_holds_the_files_or_a_folder_of_the_dataset(tmp_path, cache, below):
    put(tmp_path / "mine" / below)
    assert np.array_equal(read(FILE, Home("some", NOWHERE), tmp_path / "mine"), ARRAY)


def test_the_environment_names_a_folder(tmp_path, cache, monkeypatch):
    put(tmp_path / "env" / "some")
    monkeypatch.setenv("VAEHUB_DATA", str(tmp_path / "env"))
    assert np.array_equal(read(FILE, Home("some", NOWHERE), None), ARRAY)


def test_the_folder_of_a_package_is_looked_at(tmp_path, cache):
    put(tmp_path / "packaged")
    assert np.array_equal(read(FILE, Home("some", NOWHERE, tmp_path / "packaged"), None), ARRAY)


def test_the_cache_is_looked_at(cache):
    put(cache)
    assert np.array_equal(read(FILE, Home("some", NOWHERE), None), ARRAY)


def test_data_that_cannot_be_had_says_every_place_and_the_address(tmp_path, cache):
    with pytest.raises(DataError) as caught:
        read(FILE, Home("some", NOWHERE, tmp_path / "packaged"), tmp_path / "mine")
    places = [tmp_path / "mine" / "some", tmp_path / "mine", tmp_path / "packaged", cache]
    assert all(str(place) in str(caught.value) for place in places)
    assert NOWHERE + FILE.name in str(caught.value)
    assert "'-s data.root=FOLDER'" in str(caught.value)


def test_a_download_is_checked_and_kept(cache, served):
    address, folder = served
    path = put(folder)
    file = IdxFile(FILE.name, FILE.md5, hashlib.md5(path.read_bytes()).hexdigest())
    assert np.array_equal(read(file, Home("some", address), None), ARRAY)
    assert (cache / FILE.name).read_bytes() == path.read_bytes()


def test_a_download_with_another_sum_is_refused_and_not_kept(cache, served):
    address, folder = served
    put(folder)
    with pytest.raises(DataError, match="could not be downloaded"):
        read(FILE, Home("some", address), None)
    assert not (cache / FILE.name).exists()


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"no gzip at all"])
def test_a_truncated_or_foreign_file_is_named_with_its_checksum(tmp_path, cache, damage):
    path = put(tmp_path, damage(gzip.compress(encoded(ARRAY))))
    with pytest.raises(DataError, match=f"{path} cannot be read .*should have md5 {FILE.md5}"):
        read(FILE, Home("some", NOWHERE), tmp_path)


def test_another_content_is_named_with_both_checksums(tmp_path, cache):
    other = encoded(ARRAY + 1)
    path = put(tmp_path, gzip.compress(other))
    found = hashlib.md5(other).hexdigest()
    with pytest.raises(DataError, match=f"{path} is not the published file: .* is {found}, and should be {FILE.md5}"):
        read(FILE, Home("some", NOWHERE), tmp_path)
