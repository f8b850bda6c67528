"""What a user's arrays and tables declare is looked at before they are read."""

import zipfile

import array_files
import h5py
import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from vaehub import DataError, Hub

X = np.arange(24, dtype=np.float32).reshape(6, 4)


@pytest.mark.parametrize(
    ("name", "make", "n_bytes"),
    [
        ("x.npz", array_files.npz, 96),
        ("x.npy", array_files.npy, 96),
        ("x.h5", array_files.hdf5, 96),
        ("x.safetensors", array_files.safetensors, 96),
        ("x.csv", array_files.csv, 302),
        ("x.csv.gz", array_files.packed_csv, None),
        ("x.parquet", array_files.table, None),
        ("x.h5ad", array_files.h5ad, 96),
        ("sparse.h5ad", array_files.sparse_h5ad, 212),
    ],
)
def test_data_that_take_more_than_they_may_are_refused_and_the_message_helps(tmp_path, name, make, n_bytes):
    path = tmp_path / name
    make(path, X)
    hub = Hub.open(tmp_path / "store")
    with pytest.raises(DataError, match=r"take [\d,]+ bytes, above 95 \('data.max_bytes'\); allow them") as refused:
        hub.data(str(path), {"max_bytes": 95})
    enough = int(str(refused.value).rpartition("=")[2].strip("'"))
    assert n_bytes in (None, enough)
    assert enough < 2000
    np.testing.assert_array_equal(hub.data(str(path), {"max_bytes": enough}).x.numpy(), X)
    np.testing.assert_array_equal(hub.data(str(path)).x.numpy(), X)


def test_without_a_bound_it_is_a_share_of_the_memory_at_hand(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (10**9, 10**9), "f4", chunks=(1, 1000))
    monkeypatch.setattr("vaehub.files.bounds.memory_at_hand", lambda: 10**9)
    with pytest.raises(DataError, match=r"above 500,000,000 \(half of the memory at hand\)"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.h5"))


def test_tensors_that_stand_for_more_than_is_stored_count_in_full(tmp_path):
    hub, path = Hub.open(tmp_path / "store"), tmp_path / "x.pt"
    with torch.sparse.check_sparse_tensor_invariants():
        few = torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (10**5, 10**5))
    for stored in (few, torch.ones(1, 1).expand(10**5, 10**5)):
        torch.save({"x": stored}, path)
        with pytest.raises(DataError, match=r"the values of .*x.pt, 'x' take 40,000,000,000 bytes, above 1,000,000"):
            hub.data(str(path), {"max_bytes": 10**6})


def test_a_compressed_file_of_tensors_counts_expanded(tmp_path):
    noise = torch.randint(256, (300_000,), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    torch.save({"x": torch.zeros(5000, 5000), "noise": noise}, tmp_path / "plain.pt")
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as plain,
        zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(DataError, match=r"x.pt expands to 100 MB from .* by more than 1,000,000 bytes"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.pt"), {"max_bytes": 10**6})


def test_a_sparse_tensor_with_places_outside_it_is_refused(tmp_path):
    torch.save({"x": torch.sparse_coo_tensor([[0], [5]], [1.0], (1, 2), check_invariants=False)}, tmp_path / "x.pt")
    with pytest.raises(DataError, match="x.pt cannot be read as tensors alone"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.pt"))


@pytest.mark.parametrize("around", [{}, []])
def test_containers_of_tensors_end(tmp_path, around):
    inner = torch.zeros(3, 2)
    for _ in range(40):
        inner = {"a": inner} if isinstance(around, dict) else [inner]
    torch.save(inner, tmp_path / "x.pt")
    with pytest.raises(DataError, match="x.pt nests its tensors more than 32 deep"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.pt"))


def test_a_container_that_holds_itself_is_refused(tmp_path):
    ring = {"x": torch.zeros(3, 2)}
    ring["again"] = ring
    torch.save(ring, tmp_path / "x.pt")
    with pytest.raises(DataError, match="x.pt nests its tensors more than 32 deep"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.pt"))


@pytest.mark.parametrize("tensor", [torch.zeros(3, 2, dtype=torch.complex64).conj(), torch.empty(3, 2, device="meta")])
def test_tensors_without_plain_numbers_are_named(tmp_path, tensor):
    torch.save({"x": tensor}, tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"x.pt, 'x'"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.pt"))


def test_many_equal_rows_of_few_bytes_count_in_full(tmp_path):
    parquet.write_table(
        pa.table({"a": np.zeros(10**6, np.int8), "b": np.zeros(10**6, np.int8)}), tmp_path / "x.parquet"
    )
    assert (tmp_path / "x.parquet").stat().st_size < 100_000
    hub = Hub.open(tmp_path / "store")
    with pytest.raises(DataError, match=r"the columns of .*x.parquet that are wanted take 16,\d{3},\d{3} bytes"):
        hub.data(str(tmp_path / "x.parquet"), {"max_bytes": 10**6})
    assert len(hub.data(str(tmp_path / "x.parquet"), {"max_bytes": 9 * 10**6, "columns": "a"})) == 10**6


def test_texts_that_many_rows_share_are_read_once(tmp_path):
    words = ["a" * 10**4, "b", None]
    column = pa.array([words[at % 3] for at in range(900)])
    parquet.write_table(pa.table({"x": np.arange(900.0), "y": column}), tmp_path / "x.parquet")
    data = Hub.open(tmp_path / "store").data(
        str(tmp_path / "x.parquet"), {"labels": "y", "missing": "drop", "max_bytes": 100_000}
    )
    assert data.class_names == ("a" * 10**4, "b")
    assert data.labels.tolist() == [0, 1] * 300


def test_hdf5_that_gives_what_lies_elsewhere_is_refused_as_arrays_and_as_cells(tmp_path):
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["x"] = X
    layout = h5py.VirtualLayout(X.shape, "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "x", X.shape)
    array_files.h5ad(tmp_path / "x.h5ad", X)
    with h5py.File(tmp_path / "x.h5ad", "a") as file:
        del file["X"]
        file.create_virtual_dataset("X", layout)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    for name in ("x.h5ad", "x.h5"):
        with pytest.raises(DataError, match=r"is a virtual dataset, made of others: .*copy it into a file"):
            Hub.open(tmp_path / "store").data(str(tmp_path / name))


def test_categories_that_a_reference_names_are_looked_at_too(tmp_path):
    """As files of before 0.8 have it: no name leads to what a reference does."""
    array_files.h5ad(tmp_path / "x.h5ad", X)
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["names"] = np.arange(2.0)
    with h5py.File(tmp_path / "x.h5ad", "a") as file:
        file["obs/kind"] = np.arange(6, dtype=np.int8) % 2
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "names", (2,))
        hidden = file.create_virtual_dataset("hidden", layout)
        file["obs/kind"].attrs["categories"] = hidden.ref
        file["obs"].attrs["column-order"] = ["kind"]
        file["obs"].move("kind", "other")
        file["obs"].move("other", "kind")
    with pytest.raises(DataError, match="is a virtual dataset"):
        Hub.open(tmp_path / "store").data(str(tmp_path / "x.h5ad"), {"labels": "kind"})
