"""idx files: decoded, and checked by their content."""

import gzip
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaehub import DataError
from vaehub.files import DataCard, DataFile, parse_idx
from vaehub.plugins.datasets.mnist.idx import read_idx

NAME = "some-idx2-ubyte.gz"
ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def encoded(array):
    code = {"uint8": 8, "int32": 12}[array.dtype.name]
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + big_endian.tobytes()


SHAPES = st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 5))


@given(st.one_of(arrays(np.uint8, SHAPES), arrays(np.int32, SHAPES)))
def test_an_array_survives_the_format(array):
    found = parse_idx(encoded(array))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", b"PK\x03\x04...."])
def test_another_format_is_refused(content):
    with pytest.raises(DataError, match="it should start with 00 00 08 or 00 00 0c"):
        parse_idx(content)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"x"])
def test_a_wrong_length_is_refused(change):
    with pytest.raises(DataError, match=r"shape \(3, 4\) takes 12 bytes, got 1[13]"):
        parse_idx(change(encoded(ARRAY)))


def test_a_header_that_claims_more_than_memory_is_refused():
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(100)
    with pytest.raises(DataError, match="takes 79228162458924105385300197375 bytes, got 100"):
        parse_idx(content)


@pytest.mark.parametrize("name", ["some-idx2-ubyte", "some.idx2-ubyte"])
@pytest.mark.parametrize("place", ["", "some", "Some/raw"])
def test_a_file_that_torchvision_unpacked_is_found_and_checked(tmp_path, monkeypatch, name, place):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    folder = tmp_path / "root" / place
    folder.mkdir(parents=True)
    card, published = put(tmp_path, b"")
    card = replace(card, torchvision="Some/raw")
    (folder / name).write_bytes(encoded(ARRAY))
    assert np.array_equal(read_idx(card, NAME, tmp_path / "root"), ARRAY)
    (folder / name).write_bytes(encoded(ARRAY + 1))
    with pytest.raises(DataError, match=f"{name} is not the published file: .* should be {published}"):
        read_idx(card, NAME, tmp_path / "root")


def put(folder, content):
    (folder / NAME).write_bytes(content)
    published = f"md5:{hashlib.md5(encoded(ARRAY)).hexdigest()}"
    return DataCard("some", "", "", "", (DataFile(NAME, "md5:0", content=published),)), published


@pytest.mark.parametrize("level", [1, 9])
def test_content_counts_and_not_how_it_was_compressed(tmp_path, level):
    card, _ = put(tmp_path, gzip.compress(encoded(ARRAY), level))
    assert np.array_equal(read_idx(card, NAME, tmp_path), ARRAY)


def test_another_content_is_named_with_both_checksums(tmp_path):
    other = encoded(ARRAY + 1)
    card, published = put(tmp_path, gzip.compress(other))
    found = f"md5:{hashlib.md5(other).hexdigest()}"
    with pytest.raises(DataError, match=f"{NAME} is not the published file: .* is {found}, and should be {published}"):
        read_idx(card, NAME, tmp_path)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"no gzip at all"])
def test_a_truncated_or_foreign_file_is_named_with_its_checksum(tmp_path, damage):
    card, published = put(tmp_path, damage(gzip.compress(encoded(ARRAY))))
    with pytest.raises(DataError, match=f"{NAME}, whose content should have {published}, cannot be read"):
        read_idx(card, NAME, tmp_path)
