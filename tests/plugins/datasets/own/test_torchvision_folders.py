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
    with pytest.raises(DataError, match="2 datasets: 'FashionMNIST/raw', 'MNIST/raw'; name the folder of one, or move"):
        load(tmp_path)


def emnist(folder):
    """Write pictures as EMNIST's files hold them: each transposed, the labels of the letters from 1."""
    folder.mkdir()
    for split, name in (("train", "train"), ("t10k", "test")):
        turned = np.ascontiguousarray(IMAGES[split].transpose(0, 2, 1))
        for kind, array in (("images-idx3", turned), ("labels-idx1", LABELS[split] + np.uint8(1))):
            (folder / f"emnist-letters-{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    return folder


def test_files_of_emnist_are_turned_upright_on_request_and_said_to_lie_on_their_side(tmp_path):
    folder = emnist(tmp_path / "x")
    lying, upright = load(folder), load(folder, transpose=True)
    assert any("hold every image transposed; '-s data.transpose=true'" in note for note in lying.notes)
    assert not any("transpose" in note for note in upright.notes)
    assert torch.equal(lying.x, EXPECTED.transpose(2, 3))
    assert torch.equal(upright.x, EXPECTED)
    assert upright.labels.tolist() == lying.labels.tolist()
    alone = folder / "emnist-letters-test-images-idx3-ubyte.gz"
    assert torch.equal(load(alone, transpose=True).x, EXPECTED[6:])
    assert any("transposed" in note for note in load(alone).notes)


def test_only_images_in_idx_files_are_transposed(tmp_path):
    with pytest.raises(DataError, match="holds images, and 'transpose' is for idx files; leave it out"):
        load(tree(tmp_path / "pictures", "a/0.png"), transpose=True)
    labels = emnist(tmp_path / "x") / "emnist-letters-test-labels-idx1-ubyte.gz"
    with pytest.raises(DataError, match=r"should hold images \(n, h, w\) to transpose, and has shape \(3,\)"):
        load(labels, transpose=True)
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    content = pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]})
    for name in ("data_batch_1", "test_batch"):
        (batches / name).write_bytes(content)
    with pytest.raises(DataError, match="holds batches of CIFAR, and 'transpose' is for idx files"):
        load(batches, transpose=True)


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
