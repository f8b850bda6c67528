"""ImageNet32 from archives of the official form, made here."""

import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from cifar_files import coloured

from vaehub import DataError
from vaehub.files import cache_folder
from vaehub.plugins.datasets.cifar import cards, imagenet32
from vaehub.plugins.datasets.cifar.imagenet32 import ImageNet32
from vaehub.plugins.datasets.cifar.params import PhotographParams

TRAIN, VAL = cards.ARCHIVES["train"], cards.ARCHIVES["test"]
SIZES = [3, 2, 4, 3, 5, 3, 2, 3, 4, 6]
"""Images of each training batch."""
IMAGES = {name: coloured(n, at) for at, (name, n) in enumerate(zip(cards.BATCHES["train"], SIZES, strict=True))}
IMAGES["val_data"] = coloured(7, 99)
LABELS = {
    name: [(100 * at + 37 * n) % 1000 + 1 for n in range(len(each))] for at, (name, each) in enumerate(IMAGES.items())
}
LABELS["val_data"][:2] = [1, 1000]


def batch(name, protocol=4, **changed):
    values = {
        "data": IMAGES[name].reshape(-1, 3072),
        "labels": LABELS[name],
        "mean": IMAGES[name].reshape(-1, 3072).mean(axis=0),
        **changed,
    }
    return pickle.dumps(values, protocol=protocol)


def write(folder, protocol=4, inside="", **replaced):
    # Batch 10 comes before batch 2 in an archive that was packed in the order of names.
    for archive, names in ((TRAIN, sorted(cards.BATCHES["train"])), (VAL, ["val_data"])):
        with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_DEFLATED) as stream:
            for name in names:
                stream.writestr(inside + name, replaced.get(name) or batch(name, protocol))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    monkeypatch.setattr(ImageNet32, "n", {"train": sum(SIZES), "test": 7})
    return tmp_path


def load(folder, **params):
    return ImageNet32(PhotographParams(root=folder, **params)).load()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_images_and_labels_come_in_the_order_of_the_batches(folder, protocol):
    write(folder, protocol)
    data = load(folder)
    assert torch.equal((data.x * 255).round().to(torch.uint8), torch.from_numpy(np.concatenate(list(IMAGES.values()))))
    assert data.labels.tolist() == [label - 1 for labels in LABELS.values() for label in labels]
    assert data.splits["train"].tolist() == list(range(35))
    assert data.splits["test"].tolist() == list(range(35, 42))
    assert data.spec.n_classes == 1000


def test_any_rows_are_read_from_the_cache(folder):
    write(folder)
    data = load(folder)
    rows = torch.tensor([41, 0, 5, 5])
    everything = np.concatenate(list(IMAGES.values()))
    assert np.array_equal((data.batch(rows).x * 255).round().numpy(), everything[rows])
    assert data.batch(rows).labels.tolist() == data.labels[rows].tolist()


def test_archives_are_read_once(folder, monkeypatch):
    write(folder, inside="Imagenet32/")
    first = load(folder)
    monkeypatch.setattr(imagenet32, "read_members", None)
    second = load(folder)
    assert torch.equal(first.x, second.x)
    assert torch.equal(first.labels, second.labels)
    assert len(list((cache_folder() / "unpacked").glob("*.npy"))) == 1


def test_other_archives_are_not_taken_for_these(folder):
    write(folder)
    load(folder)
    write(folder, val_data=batch("val_data", data=255 - IMAGES["val_data"].reshape(-1, 3072)))
    assert np.array_equal((load(folder).split("test").x * 255).round().numpy(), 255 - IMAGES["val_data"])


def test_images_are_reordered_in_any_number_at_once(folder, monkeypatch):
    write(folder)
    monkeypatch.setattr(imagenet32, "AT_ONCE", 2)
    assert np.array_equal((load(folder).x * 255).round().numpy(), np.concatenate(list(IMAGES.values())))


def test_images_are_prepared_as_asked(folder):
    write(folder)
    assert load(folder, pad=2).spec.shape == (3, 36, 36)
    assert len(load(folder, first=5).split("train")) == 5


def test_one_batch_is_in_memory_at_a_time(folder, monkeypatch):
    write(folder)
    alive: list[int] = []
    most = []
    read = imagenet32.from_pickle

    class Counted(np.ndarray):
        def __array_finalize__(self, made_of):
            if not isinstance(made_of, Counted):
                alive.append(1)
                self.whole = True

        def __del__(self):
            if getattr(self, "whole", False):
                alive.pop()

    def counted(*arguments, **named):
        most.append(len(alive))
        images, labels = read(*arguments, **named)
        return images.view(Counted), labels

    monkeypatch.setattr(imagenet32, "from_pickle", counted)
    load(folder)
    assert most == [0] * 11


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (batch("val_data", labels=[0] * 7), "should hold labels from 1 to 1000, and has 0 to 0"),
        (batch("val_data", labels=[1001] * 7), "should hold labels from 1 to 1000"),
        (batch("val_data", labels=[1] * 6), "should hold 7 'labels', and has 6"),
        (batch("val_data", data=np.zeros((7, 3073), np.uint8)), r"with shape \(n, 3072\), and has shape \(7, 3073\)"),
        (batch("val_data")[:-50], "val_data (cannot be read|ends before)"),
        (b"cos\nsystem\n(S'touch canary'\ntR.", "asks for 'os system'"),
    ],
)
def test_a_batch_of_another_form_is_refused_and_nothing_is_left(folder, content, match):
    write(folder, val_data=content)
    with pytest.raises(DataError, match=match) as caught:
        load(folder)
    assert f"{folder / VAL}, val_data" in str(caught.value)
    assert not (folder / "canary").exists()
    assert not [path for path in (cache_folder() / "unpacked").iterdir() if path.suffix != ".lock"]


def test_another_number_of_images_is_refused(folder, monkeypatch):
    write(folder)
    monkeypatch.setattr(ImageNet32, "n", {"train": 36, "test": 6})
    with pytest.raises(DataError, match=f"{folder / TRAIN} should have 36 images, and has 35; replace"):
        load(folder)


def test_an_archive_without_a_batch_is_refused(folder):
    write(folder)
    with zipfile.ZipFile(folder / VAL, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(DataError, match=f"{folder / VAL} holds no val_data; replace"):
        load(folder)


def test_a_truncated_archive_is_refused(folder):
    write(folder)
    path = folder / TRAIN
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"{path} cannot be read as an archive"):
        load(folder)


def test_a_checksum_is_checked_where_the_card_has_one(folder, monkeypatch):
    write(folder)
    files = tuple(replace(file, checksum="md5:0") for file in cards.IMAGENET32.files)
    monkeypatch.setattr(ImageNet32, "card", replace(cards.IMAGENET32, files=files))
    with pytest.raises(DataError, match=f"{folder / TRAIN} is not the published file"):
        load(folder)


def test_missing_archives_must_be_fetched_by_hand(folder):
    with pytest.raises(DataError, match=r"Imagenet32_train.zip is in none of .*get it from https://image-net.org"):
        load(folder)


def test_the_official_sizes_are_those_of_ilsvrc_2012():
    assert ImageNet32.n == {"train": 1_281_167, "test": 50_000}
