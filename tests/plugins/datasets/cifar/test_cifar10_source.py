"""CIFAR-10 from both official forms, made here, and its beginning from real sheets."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from cifar_files import (
    binary_batch,
    coloured,
    python_2_batch,
    python_3_batch,
    with_sums,
    write_cifar10,
    write_tar,
)
from PIL import Image

from vaehub import DataError
from vaehub.files import DataFile
from vaehub.plugins.datasets.cifar import cards
from vaehub.plugins.datasets.cifar.cifar10 import Cifar10, Cifar10Slice
from vaehub.plugins.datasets.cifar.params import PhotographParams

FORMS = {
    "python 2": (cards.PICKLED, python_2_batch),
    "protocol 2": (cards.PICKLED, python_3_batch(2)),
    "protocol 3": (cards.PICKLED, python_3_batch(3)),
    "protocol 4": (cards.PICKLED, python_3_batch(4)),
    "protocol 5": (cards.PICKLED, python_3_batch(5)),
    "binary": (cards.BINARY, binary_batch),
}
BATCHES = [(coloured(n, seed), [(3 * n + at) % 10 for at in range(n)]) for seed, n in enumerate((4, 6, 5, 7, 3, 300))]
"""Five of training and one of testing; the last is long enough for numbers of two bytes."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    return tmp_path


def load(source, folder, **params):
    return source(PhotographParams(root=folder, **params)).load()


def load_written(folder, monkeypatch, form="python 2", batches=BATCHES, **params):
    name, write = FORMS[form]
    write_cifar10(folder / name, batches, write)
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    return load(Cifar10, folder, **params)


@pytest.mark.parametrize("form", FORMS)
def test_images_and_labels_come_in_the_official_order(folder, monkeypatch, form):
    data = load_written(folder, monkeypatch, form)
    assert np.array_equal(data.stored.numpy(), np.concatenate([images for images, _ in BATCHES]))
    assert data.labels.tolist() == [label for _, labels in BATCHES for label in labels]
    assert data.splits["train"].tolist() == list(range(25))
    assert data.splits["test"].tolist() == list(range(25, 325))


def test_channels_are_red_green_blue_and_rows_come_from_the_top(folder, monkeypatch):
    image = np.zeros((1, 3, 32, 32), np.uint8)
    image[0, 0, 2, 30] = 255  # red, near the top, on the right
    data = load_written(folder, monkeypatch, batches=[(image, [at]) for at in range(6)])
    row = np.zeros(3072, np.uint8)
    row[2 * 32 + 30] = 255  # the first 1024 bytes are the red plane, row by row
    assert np.array_equal(data.stored[0].numpy().reshape(-1), row)


def test_the_hand_written_batch_is_what_python_reads():
    images, labels = BATCHES[5]
    content = python_2_batch(b"testing batch 1 of 1", labels, images.reshape(-1, 3072), [b"a.png", b"b.png"])
    found = pickle.loads(content, encoding="bytes")
    assert found[b"labels"] == labels
    assert np.array_equal(found[b"data"], images.reshape(-1, 3072))
    assert found[b"filenames"] == [b"a.png", b"b.png"]


def test_the_form_that_is_here_is_taken_and_the_pickled_one_if_both_are(folder, monkeypatch):
    other = [(255 - images, labels) for images, labels in BATCHES]
    write_cifar10(folder / cards.BINARY, other, binary_batch)
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    assert np.array_equal(load(Cifar10, folder).stored[:4].numpy(), other[0][0])
    assert np.array_equal(load_written(folder, monkeypatch).stored[:4].numpy(), BATCHES[0][0])


def test_images_are_prepared_as_asked(folder, monkeypatch):
    data = load_written(folder, monkeypatch, channels=1, first=10)
    assert data.spec.shape == (1, 32, 32)
    assert len(data.split("train")) == 10


def batch_of(**changed):
    values = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 9]}
    values.update({name.encode(): value for name, value in changed.items()})
    return pickle.dumps(values, protocol=2)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (batch_of(data=np.zeros((2, 3071), np.uint8)), r"should hold 'data' of bytes with shape \(n, 3072\)"),
        (batch_of(data=np.zeros((2, 3072), np.int32)), r"has shape \(2, 3072\) of int32"),
        (batch_of(data=np.array(3, np.uint8)), "should hold 'data'"),
        (batch_of(data=[1, 2]), "should hold 'data' .* has 2"),
        (batch_of(labels=[1]), "should hold 2 'labels', and has 1"),
        (batch_of(labels=None), "should hold 2 'labels', and has none"),
        (batch_of(labels=[0, 10]), "should hold labels from 0 to 9, and has 0 to 10"),
        (batch_of(labels=[0, -1]), "should hold labels from 0 to 9"),
        (batch_of(labels=[0, 0.5]), "whole numbers"),
        (batch_of(labels=[0, [1, 2]]), "whole numbers"),
        (batch_of(labels=[0, 2**80]), "whole numbers"),
        (pickle.dumps([1, 2]), "should hold 'data' .* has none"),
        (b"cos\nsystem\n(S'touch canary'\ntR.", "asks for 'os system'"),
        (b"", "cannot be read"),
    ],
)
def test_a_batch_of_another_form_is_refused(folder, monkeypatch, content, match):
    names = [f"cifar-10-batches-py/data_batch_{n}" for n in range(1, 6)] + ["cifar-10-batches-py/test_batch"]
    write_tar(folder / cards.PICKLED, dict.fromkeys(names, content))
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    with pytest.raises(DataError, match=match) as caught:
        load(Cifar10, folder)
    assert f"{folder / cards.PICKLED}, cifar-10-batches-py/data_batch_1" in str(caught.value)
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("content", [b"", b"\0" * 3072, b"\x0a" + b"\0" * 3072])
def test_records_of_another_length_or_label_are_refused(folder, monkeypatch, content):
    names = [f"cifar-10-batches-bin/data_batch_{n}.bin" for n in range(1, 6)] + ["cifar-10-batches-bin/test_batch.bin"]
    write_tar(folder / cards.BINARY, dict.fromkeys(names, content))
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    with pytest.raises(DataError, match="data_batch_1.bin should hold (records of 3073 bytes|labels from 0 to 9)"):
        load(Cifar10, folder)


def test_an_archive_without_a_batch_is_refused(folder, monkeypatch):
    write_tar(folder / cards.PICKLED, {"cifar-10-batches-py/data_batch_1": batch_of()})
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    with pytest.raises(DataError, match=f"{cards.PICKLED} holds no cifar-10-batches-py/data_batch_2; replace"):
        load(Cifar10, folder)


def test_a_truncated_or_changed_archive_is_refused(folder, monkeypatch):
    load_written(folder, monkeypatch)
    path = folder / cards.PICKLED
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=f"{path} is not the published file: its checksum is md5:"):
        load(Cifar10, folder)
    monkeypatch.setattr(Cifar10, "card", with_sums(cards.CIFAR10, folder))
    with pytest.raises(DataError, match=f"{path} cannot be read as an archive"):
        load(Cifar10, folder)


def test_a_missing_archive_names_the_places_and_the_address(folder, monkeypatch):
    unreachable = f"http://127.0.0.1:9/{cards.PICKLED}"
    files = tuple(DataFile(name, "md5:0", f"http://127.0.0.1:9/{name}") for name in (cards.PICKLED, cards.BINARY))
    monkeypatch.setattr(Cifar10, "card", replace(cards.CIFAR10, files=files))
    with pytest.raises(DataError, match=f"{folder / 'cifar10'}, .*{unreachable} could not be downloaded"):
        load(Cifar10, folder)


# Sheets


def write_sheets(folder, images, lines):
    """Write five sheets of some images each, and the list of labels."""
    for name, sheet in zip([*cards.SHEETS["train"], *cards.SHEETS["test"]], images, strict=True):
        Image.fromarray(sheet.transpose(0, 2, 3, 1).reshape(len(sheet), -1, 3)).save(folder / name)
    (folder / cards.LABELS).write_text("".join(f"{line}\n" for line in lines))


def lines_of(labels, test_labels):
    lines = [7] * 50_000
    lines[: len(labels)] = labels
    return lines + test_labels


def test_sheets_are_read_row_by_row(folder, monkeypatch):
    images = [coloured(3, seed) for seed in range(5)]
    labels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 6]
    write_sheets(folder, images, lines_of(labels, [5, 4, 3]))
    monkeypatch.setattr(Cifar10Slice, "card", with_sums(cards.CIFAR10_SLICE, folder, "sha256"))
    data = load(Cifar10Slice, folder)
    assert np.array_equal(data.stored.numpy(), np.concatenate(images))
    assert data.labels.tolist() == [*labels, 5, 4, 3]
    assert data.splits["test"].tolist() == [12, 13, 14]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (lines_of([], [1]), "labels.txt .* has 50001 lines, too few for cifar10_batch_50.png"),
        (lines_of([10], [1, 2, 3]), "labels.txt should hold a label from 0 to 9 a line, and has '10'"),
        (lines_of(["cat"], [1, 2, 3]), "has 'cat'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(folder, monkeypatch, lines, match):
    write_sheets(folder, [coloured(3, seed) for seed in range(5)], lines)
    monkeypatch.setattr(Cifar10Slice, "card", with_sums(cards.CIFAR10_SLICE, folder, "sha256"))
    with pytest.raises(DataError, match=match):
        load(Cifar10Slice, folder)


def test_a_sheet_of_another_width_is_refused(folder, monkeypatch):
    write_sheets(folder, [coloured(3, seed)[..., :16] for seed in range(5)], lines_of([], [1, 2, 3]))
    monkeypatch.setattr(Cifar10Slice, "card", with_sums(cards.CIFAR10_SLICE, folder, "sha256"))
    with pytest.raises(DataError, match="cifar10_batch_0.png is 512 pixels wide, and should be 1024"):
        load(Cifar10Slice, folder)


def test_missing_sheets_must_be_put_there_by_hand(folder):
    with pytest.raises(DataError, match=r"labels.txt is in none of .*cannot be downloaded without you"):
        load(Cifar10Slice, folder)


# The real sheets


@pytest.fixture
def real(real_data):
    return load(Cifar10Slice, real_data)


def test_the_slice_has_the_official_beginning(real):
    assert (len(real.split("train")), len(real.split("test"))) == (4000, 1000)
    assert real.split("train").labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert real.split("test").labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert real.spec.n_classes == len(cards.CLASSES)


def test_the_slice_has_nearly_the_statistics_of_the_whole(real):
    # The constants of countless examples, of all 50,000 training images.
    train = real.split("train").x
    assert train.mean((0, 2, 3)).tolist() == pytest.approx([0.491, 0.482, 0.447], abs=0.01)
    assert train.std((0, 2, 3)).tolist() == pytest.approx([0.247, 0.243, 0.262], abs=0.01)


def test_the_slice_shows_photographs(real):
    # In a wrong order of rows, columns or channels, neighbours would be as different as strangers.
    x = real.first(500).x
    apart = (x - x.flip(0)).abs().mean()
    assert (x[:, :, 1:] - x[:, :, :-1]).abs().mean() < 0.3 * apart
    assert (x[..., 1:] - x[..., :-1]).abs().mean() < 0.3 * apart
    # What is blue at the top is the sky, on ships and airplanes.
    outside = x[(real.labels[:500] == 0) | (real.labels[:500] == 8)][:, :, :8].mean((0, 2, 3))
    assert outside[2] > outside[0]


@pytest.mark.parametrize("form", ["python 2", "protocol 2", "protocol 4", "binary"])
def test_real_images_in_the_official_forms_are_the_same(real, folder, monkeypatch, form):
    starts = [0, 800, 1600, 2400, 3200, 4000, 5000]
    spans = [slice(*ends) for ends in itertools.pairwise(starts)]
    batches = [(real.stored[span].numpy(), real.labels[span].tolist()) for span in spans]
    data = load_written(folder, monkeypatch, form, batches)
    assert torch.equal(data.stored, real.stored)
    assert torch.equal(data.labels, real.labels)
    assert all(torch.equal(data.splits[part], real.splits[part]) for part in ("train", "test"))
