"""KMNIST, QMNIST and EMNIST, in their official formats."""

import gzip
import hashlib
import io
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from vaehub import DataError
from vaehub.files import DataFile
from vaehub.plugins.datasets.mnist import cards
from vaehub.plugins.datasets.mnist.params import EmnistParams, IdxParams
from vaehub.plugins.datasets.mnist.source import Emnist, FashionMnist, Kmnist, Mnist, Qmnist

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)


def idx(array):
    code = {"uint8": 8, "int32": 12}[array.dtype.name]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(array.dtype.newbyteorder(">")).tobytes())


def card_of(original, files):
    """Return a card that expects these files."""
    made = tuple(DataFile(name, f"md5:{hashlib.md5(content).hexdigest()}") for name, content in files.items())
    return replace(original, files=made)


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def images(n):
    return RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8)


def test_the_digit_is_the_first_of_eight_columns(tmp_path, monkeypatch):
    train, test = images(5), images(3)
    columns = RNG.integers(0, 10, (8, 8), dtype=np.int32) * 1000
    columns[:, 0] = [3, 1, 4, 1, 5, 9, 2, 6]
    files = {
        "qmnist-train-images-idx3-ubyte.gz": idx(train),
        "qmnist-train-labels-idx2-int.gz": idx(columns[:5]),
        "qmnist-test-images-idx3-ubyte.gz": idx(test),
        "qmnist-test-labels-idx2-int.gz": idx(columns[5:]),
    }
    put(tmp_path / "mine" / "qmnist", files)
    monkeypatch.setattr(Qmnist, "card", card_of(cards.QMNIST, files))
    data = Qmnist(IdxParams(root=tmp_path / "mine")).load()
    assert data.split("train").labels.tolist() == [3, 1, 4, 1, 5]
    assert data.split("test").labels.tolist() == [9, 2, 6]
    assert torch.equal(data.split("test").stored[:, 0], torch.from_numpy(test))


def emnist(tmp_path, monkeypatch, **changes):
    members = {}
    for variant, first in (("balanced", 0), ("letters", 1), ("digits", 0)):
        for part, n in (("train", 6), ("test", 4)):
            members[f"gzip/emnist-{variant}-{part}-images-idx3-ubyte.gz"] = idx(images(n))
            members[f"gzip/emnist-{variant}-{part}-labels-idx1-ubyte.gz"] = idx(np.arange(n, dtype=np.uint8) + first)
    members |= changes
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, value in members.items():
            if value is not None:
                archive.writestr(name, value)
    files = {cards.EMNIST_ARCHIVE: content.getvalue()}
    put(tmp_path / "mine" / "emnist", files)
    monkeypatch.setattr(Emnist, "card", card_of(cards.EMNIST, files))


@pytest.mark.parametrize("variant", ["balanced", "letters", "digits"])
def test_letters_stand_upright_and_classes_count_from_0(tmp_path, monkeypatch, variant):
    mark = np.zeros((4, 28, 28), np.uint8)
    mark[:, 2, 20] = 255  # in the file: to the left and below; in truth: to the right and above
    emnist(tmp_path, monkeypatch, **{f"gzip/emnist-{variant}-test-images-idx3-ubyte.gz": idx(mark)})
    data = Emnist(EmnistParams(root=tmp_path / "mine", variant=variant)).load()
    assert data.split("train").labels.tolist() == [0, 1, 2, 3, 4, 5]
    x = data.split("test").x
    assert x.shape == (4, 1, 28, 28)
    assert (x[:, 0, 20, 2] == 1).all()
    assert x.sum() == 4


def test_an_archive_without_a_member_is_named(tmp_path, monkeypatch):
    name = "gzip/emnist-letters-test-labels-idx1-ubyte.gz"
    emnist(tmp_path, monkeypatch, **{name: None})
    with pytest.raises(DataError, match=f"gzip.zip holds no {name}; replace the file"):
        Emnist(EmnistParams(root=tmp_path / "mine", variant="letters")).load()


def test_images_and_labels_are_as_many(tmp_path, monkeypatch):
    emnist(tmp_path, monkeypatch, **{"gzip/emnist-digits-train-images-idx3-ubyte.gz": idx(images(7))})
    with pytest.raises(DataError, match="dataset 'emnist' has 7 images and 6 labels"):
        Emnist(EmnistParams(root=tmp_path / "mine", variant="digits")).load()


def npz(array):
    content = io.BytesIO()
    np.savez_compressed(content, array)
    return content.getvalue()


@pytest.mark.parametrize("form", ["npz", "idx"])
def test_either_official_form_of_kmnist_is_read(tmp_path, monkeypatch, form):
    arrays = {"train": images(5), "t10k": images(3)}
    labels = {"train": np.arange(5, dtype=np.uint8), "t10k": np.array([7, 8, 9], np.uint8)}
    files = {}
    for part in ("train", "t10k"):
        for name, array in ((cards.images_of(part), arrays[part]), (cards.labels_of(part), labels[part])):
            files[cards.KMNIST_ARRAYS[name]], files[name] = npz(array), idx(array)
    monkeypatch.setattr(Kmnist, "card", card_of(cards.KMNIST, files))
    put(
        tmp_path / "kmnist",
        {name: content for name, content in files.items() if name.endswith(".npz") == (form == "npz")},
    )
    data = Kmnist(IdxParams(root=tmp_path)).load()
    assert torch.equal(data.split("train").stored[:, 0], torch.from_numpy(arrays["train"]))
    assert data.split("test").labels.tolist() == [7, 8, 9]


def test_one_part_takes_its_files_only(tmp_path, monkeypatch):
    files = {cards.images_of("t10k"): idx(images(3)), cards.labels_of("t10k"): idx(np.zeros(3, np.uint8))}
    monkeypatch.setattr(Mnist, "card", card_of(cards.MNIST, files))
    put(tmp_path, files)
    data = Mnist(IdxParams(root=tmp_path, parts="test")).load()
    assert len(data) == 3
    assert list(data.splits) == ["test"]


def test_the_real_test_part_of_kmnist(real_data):
    data = Kmnist(IdxParams(root=real_data, parts="test")).load()
    assert torch.bincount(data.labels).tolist() == [1000] * 10
    # Of all values of the file, by numpy alone.
    with np.load(real_data / "kmnist" / "kmnist-test-imgs.npz") as archive:
        expected = archive["arr_0"]
    assert np.array_equal(data.stored[:, 0].numpy(), expected)
    assert data.x.mean().item() == pytest.approx(expected.mean() / 255, abs=1e-5)


def test_the_real_training_images_of_kmnist_are_said_to_be_missing(real_data, monkeypatch):
    without = tuple(replace(file, address=None) for file in cards.KMNIST.files)
    monkeypatch.setattr(Kmnist, "card", replace(cards.KMNIST, files=without))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz is in none of .*kmnist"):
        Kmnist(IdxParams(root=real_data)).load()


@pytest.mark.parametrize(("source", "card"), [(Mnist, cards.MNIST), (FashionMnist, cards.FASHION_MNIST)])
def test_four_files_are_two_parts(tmp_path, monkeypatch, source, card):
    train, test = images(5), images(3)
    labels = np.arange(8, dtype=np.uint8)
    files = dict(zip(cards.NAMES, map(idx, (train, labels[:5], test, labels[5:])), strict=True))
    monkeypatch.setattr(source, "card", card_of(card, files))
    put(tmp_path / card.folder, files)
    data = source(IdxParams(root=tmp_path)).load()
    assert torch.equal(data.split("train").stored[:, 0], torch.from_numpy(train))
    assert torch.equal(data.split("test").stored[:, 0], torch.from_numpy(test))
    assert data.split("test").labels.tolist() == [5, 6, 7]
