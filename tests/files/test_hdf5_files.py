"""HDF5 files of users: what lies elsewhere is refused, and sizes are known before anything is read."""

import h5py
import numpy as np
import pytest

from vaehub import DataError
from vaehub.files import Bound, TooLarge, hdf5_size, opened_hdf5, read_hdf5


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


@pytest.fixture
def source(tmp_path):
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["x"] = np.arange(6.0)
    return tmp_path / "source.h5"


def virtual(file, source):
    layout = h5py.VirtualLayout((6,), "f8")
    layout[:] = h5py.VirtualSource(str(source), "x", (6,))
    file.create_virtual_dataset("below/x", layout)


def external(file, source):
    file.create_group("below").create_dataset("x", (6,), "f8", external=[(str(source), 0, 48)])


def linked(file, source):
    file["below/x"] = h5py.ExternalLink(str(source), "x")


@pytest.mark.parametrize("make", [virtual, external, linked])
def test_what_lies_in_another_file_is_refused_wherever_it_is(path, source, make):
    with h5py.File(path, "w") as file:
        file["own"] = [1.0]
        make(file, source)
    with (
        pytest.raises(DataError, match=r"x.h5, 'below/x', is a .*; copy it into a file of its own"),
        opened_hdf5(path),
    ):
        pytest.fail("it was opened")


def test_names_are_those_of_datasets_with_values_each_once(path):
    with h5py.File(path, "w") as file:
        file["a/b/c"] = [1]
        file["z"] = [2]
        file["y"] = file["z"]  # the same, under two names
        file["a/again"] = file["a"]  # a ring
        file["link"] = h5py.SoftLink("/z")
        file["nothing"] = h5py.Empty("f8")
    with opened_hdf5(path) as (_, names):
        assert names == ["y", "a/b/c"]


@pytest.mark.parametrize(("deepest", "most", "fits"), [(3, 100, True), (2, 100, False), (3, 4, True), (3, 3, False)])
def test_nesting_and_number_are_bounded(path, monkeypatch, deepest, most, fits):
    monkeypatch.setattr("vaehub.files.hdf5.DEEPEST", deepest)
    monkeypatch.setattr("vaehub.files.hdf5.MOST", most)
    with h5py.File(path, "w") as file:
        file["a/b/c/d"] = [1]
    if fits:
        with opened_hdf5(path) as (_, names):
            assert names == ["a/b/c/d"]
    else:
        with pytest.raises(DataError, match=rf"groups more than {deepest} deep, or more than {most} entries"):
            opened_hdf5(path).__enter__()


def test_a_declared_size_is_refused_before_it_is_read(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("large", (10**6, 10**6), "f8", chunks=(1, 1000))  # nothing of it is stored
        file.create_dataset("chunk", (1,), "f8", maxshape=(None,), chunks=(10**6,))
    with opened_hdf5(path) as (file, _):
        assert hdf5_size(file["large"]) == 8 * 10**12
        assert hdf5_size(file["chunk"]) == 8 * 10**6
        with pytest.raises(TooLarge, match="the values of it take 8,000,000,000,000 bytes, above 1,000 "):
            read_hdf5(file["large"], Bound.of(1000), "it")
        assert read_hdf5(file["chunk"], Bound.of(8 * 10**6), "it").tolist() == [0]


def test_texts_count_each_time_that_they_are_read(path, monkeypatch):
    monkeypatch.setattr("vaehub.files.hdf5.AT_ONCE", 128)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=["cat", "é", "dog"], dtype=h5py.string_dtype())
        file.create_dataset("long", data=["a" * 1000] * 10, dtype=h5py.string_dtype())
        file["fixed"] = np.array([b"one", b"two"])
    with opened_hdf5(path) as (file, _):
        assert read_hdf5(file["x"], Bound.of(1000), "it").tolist() == ["cat", "é", "dog"]
        assert read_hdf5(file["fixed"], Bound.of(1000), "it").tolist() == ["one", "two"]
        assert len(read_hdf5(file["long"], Bound.of(10_640), "it")) == 10
        with pytest.raises(TooLarge, match="the texts of it take 10,640 bytes"):
            read_hdf5(file["long"], Bound.of(10_639), "it")


def test_what_cannot_be_read_is_named(path, tmp_path):
    path.write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=r"x.h5 cannot be read as an h5ad file \(.*\); replace it"):
        opened_hdf5(path, "an h5ad file").__enter__()
    with pytest.raises(DataError, match=r"pytest.*' is a folder"):
        opened_hdf5(tmp_path).__enter__()
