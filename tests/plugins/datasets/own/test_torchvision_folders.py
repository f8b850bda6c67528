"""Folders as torchvision keeps them: idx files under all their names, and batches of CIFAR."""

import gzip
import pickle
import struct

import numpy as np
import pytest
import torch
from image_folders import RNG, load, tree

from vaehub import DataError


def idx(array):
    code = {"uint8": 8, "int32": 12}[array.dtype.name]
    values = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + values.tobytes()


IMAGES = {"train": RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8), "t10k": RNG.integers(0, 256, (3, 5, 4), dtype="u1")}
LABELS = {"train": np.array([0, 1, 2, 0, 1, 2], np.uint8), "t10k": np.array([2, 1, 0], np.uint8)}
EXPECTED = torch.from_numpy(np.concatenate(list(IMAGES.values()))[:, None]).float() / 255


def mnist(folder, pattern="{split}-{kind}-idx{n}-ubyte", pack=lambda content: content):
    folder.mkdir(parents=True, exist_ok=True)
    for split in IMAGES:
        for kind, n, arrays in (("images", 3, IMAGES), ("labels", 1, LABELS)):
            (folder / pattern.format(split=split, kind=kind, n=n)).write_bytes(pack(idx(arrays[split])))
    return folder


def check(data):
    assert torch.equal(data.x, EXPECTED)
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2, 2, 1, 0]
    assert {name: rows.tolist() for name, rows in data.splits.items()} == {
        "train": list(range(6)),
        "test": list(range(6, 9)),
    }


@pytest.mark.parametrize("named", ["", "MNIST", "MNIST/raw"])
def test_idx_files_are_found_where_torchvision_puts_them(tmp_path, named):
    mnist(tmp_path / "MNIST" / "raw")
    mnist(tmp_path / "MNIST" / "raw", "{split}-{kind}-idx{n}-ubyte.gz", gzip.compress)
    data = load(tmp_path / named)
    check(data)
    assert "train-images-idx3-ubyte" in data.notes[0]


@pytest.mark.parametrize(
    "pattern", ["{split}-{kind}.idx{n}-ubyte", "{split}_{kind}-idx{n}-ubyte", "{split}-{kind}.idx"]
)
def test_idx_files_are_found_by_all_their_names(tmp_path, pattern):
    check(load(mnist(tmp_path / "x", pattern)))
    check(load(mnist(tmp_path / "y", f"{pattern}.gz", gzip.compress)))


def test_a_single_idx_file_is_images_without_labels(tmp_path):
    folder = mnist(tmp_path / "x", "{split}-{kind}.idx{n}-ubyte")
    data = load(folder / "train-images.idx3-ubyte")
    assert torch.equal(data.x, EXPECTED[:6])
    assert data.labels is None
    assert "labels in another file are read where the folder of both is named" in data.notes


def test_two_datasets_in_one_folder_are_named(tmp_path):
    mnist(tmp_path / "MNIST" / "raw")
    mnist(tmp_path / "FashionMNIST" / "raw")
    with pytest.raises(DataError, match="holds 2 datasets: 'FashionMNIST/raw', 'MNIST/raw'; name one of them"):
        load(tmp_path)


def test_labels_that_do_not_fit_are_named(tmp_path):
    folder = mnist(tmp_path / "x")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS["train"]))
    with pytest.raises(DataError, match=r"holds 3 images and labels of shape \(6,\) \(test\)"):
        load(folder)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"holds labels of some of its splits \(train, test\)"):
        load(folder)
    (folder / "train-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="train-labels-idx1-ubyte holds labels, and there are no images beside it"):
        load(folder)


def test_images_in_a_folder_come_before_idx_files(tmp_path):
    data = load(tree(mnist(tmp_path / "x"), "a/0.png"))
    assert len(data) == 1
    assert any("left out: 4 files that are no images" in note for note in data.notes)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_batches_of_cifar_are_read_without_running_them(tmp_path, protocol):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = RNG.integers(0, 256, (6, 3072), dtype=np.uint8)
    for at, name in enumerate(("data_batch_1", "data_batch_2", "test_batch")):
        content = {b"data": pixels[2 * at : 2 * at + 2], b"labels": [at % 2, 1]}
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"plane", b"car"]}, protocol=protocol))
    for named in (tmp_path, folder):
        data = load(named)
        assert torch.equal((data.x * 255).round().to(torch.uint8), torch.from_numpy(pixels).reshape(6, 3, 32, 32))
        assert data.labels.tolist() == [0, 1, 1, 1, 0, 1]
        assert data.class_names == ("plane", "car")
        assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 4, "test": 2}


def test_batches_that_would_run_something_are_refused(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("data_batch_1", "test_batch"):
        (folder / name).write_bytes(b"cbuiltins\nprint\n(S'hello'\ntR.")
    with pytest.raises(DataError, match="asks for 'builtins print', and only plain values"):
        load(tmp_path)
