"""SmallNORB from files of the published form, in small."""

import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from vaehub import DataError
from vaehub.files import FileParams
from vaehub.plugins.datasets.grids.cards import SMALLNORB, norb_of
from vaehub.plugins.datasets.grids.smallnorb import SmallNorb

BYTES, INTEGERS = 0x1E3D4C55, 0x1E3D4C54
N = {"train": 7, "test": 5}


def matrix(array, magic):
    """Return an array in the format of the data's page: sizes are three at least."""
    sizes = [*array.shape, *[1] * (3 - array.ndim)]
    header = struct.pack(f"<{2 + len(sizes)}i", magic, array.ndim, *sizes)
    return header + array.astype("<i4" if magic == INTEGERS else np.uint8).tobytes()


@pytest.fixture
def contents(rng):
    found = {}
    for part, n in N.items():
        pairs = rng.integers(256, size=(n, 2, 96, 96), dtype=np.uint8)
        pairs[:, 0, :48] = 200
        category = rng.integers(5, size=n)
        info = np.stack(
            [rng.integers(10, size=n), rng.integers(9, size=n), 2 * rng.integers(18, size=n), rng.integers(6, size=n)],
            1,
        )
        for kind, array in (("dat", pairs), ("cat", category), ("info", info)):
            found[part, kind] = array
    return found


@pytest.fixture
def write(tmp_path, publish, monkeypatch):
    # Several blocks.
    monkeypatch.setattr("vaehub.plugins.datasets.grids.matrices.BLOCK", 3 * 2 * 96 * 96)

    def write(contents, **replaced):
        for key, array in contents.items():
            content = matrix(array, BYTES if key[1] == "dat" else INTEGERS)
            content = replaced.get("_".join(key), lambda content: content)(content)
            (tmp_path / norb_of(*key)).write_bytes(gzip.compress(content))
        publish(SmallNorb, *(tmp_path / norb_of(*key) for key in contents))
        return SmallNorb(FileParams(root=tmp_path))

    return write


def test_images_are_those_of_the_first_camera_in_order(write, contents):
    data = write(contents).load()
    assert data.spec.shape == (1, 64, 64)
    first = np.concatenate([contents["train", "dat"][:, 0], contents["test", "dat"][:, 0]])
    small = [np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.LANCZOS)) for image in first]
    images = data.stored.take(torch.arange(len(data)))
    assert torch.equal(images[:, 0], torch.from_numpy(np.stack(small)))
    assert bool((images[:, 0, :28] == 200).all())


def test_factors_and_labels_belong_to_their_images(write, contents):
    data = write(contents).load()
    info = np.concatenate([contents["train", "info"], contents["test", "info"]])
    category = np.concatenate([contents["train", "cat"], contents["test", "cat"]])
    assert data.factors.names == ("category", "elevation", "azimuth", "lighting")
    assert data.labels.tolist() == data.factors.classes[:, 0].tolist() == category.tolist()
    for at, expected in ((1, 30 + 5 * info[:, 1]), (2, 10 * info[:, 2]), (3, info[:, 3])):
        assert [data.factors.values[at][k] for k in data.factors.classes[:, at].tolist()] == expected.tolist()


def test_parts_are_those_of_the_files(write, contents):
    data = write(contents).load()
    assert data.splits["train"].tolist() == list(range(7))
    assert data.splits["test"].tolist() == list(range(7, 12))
    assert data.split("test").labels.tolist() == contents["test", "cat"].tolist()


def test_values_are_as_many_as_the_sizes_on_the_card():
    assert tuple(map(len, SmallNorb.values)) == tuple(size for _, size in SMALLNORB.factors) == (5, 9, 18, 6)
    assert SmallNorb.values[1][-1] == 70
    assert SmallNorb.values[2][-1] == 340
    assert len(SMALLNORB.files) == 6


def test_photographs_are_unpacked_once(write, contents, monkeypatch):
    source = write(contents)
    first = source.load().x
    monkeypatch.setattr("vaehub.plugins.datasets.grids.smallnorb._images", None)
    assert torch.equal(source.load().x, first)


@pytest.mark.parametrize(
    ("which", "change", "message"),
    [
        ("train_dat", lambda content: content[:-500], "training-dat.* ends 1 rows, or less, before its end"),
        ("train_dat", lambda content: content + b"more", "training-dat.* goes on beyond the array"),
        ("test_cat", lambda content: content[:6], "testing-cat.* should start with .* starts with"),
        ("test_cat", lambda content: content[::-1], "testing-cat.* should start with .* starts with"),
        ("train_info", lambda content: content[:12] + struct.pack("<i", 5) + content[16:], "training-info.* starts"),
    ],
    ids=["cut", "long", "no header", "order", "shape"],
)
def test_a_damaged_matrix_is_refused(write, contents, which, change, message):
    with pytest.raises(DataError, match=f"{message}.*; delete the file, or replace it"):
        write(contents, **{which: change}).load()


def test_files_of_different_lengths_are_refused(write, contents):
    contents["test", "info"] = contents["test", "info"][:-1]
    with pytest.raises(DataError, match="testing-info.* describes 4 images, and there are 5; replace the file"):
        write(contents).load()


def test_too_few_images_are_refused(write, contents):
    contents["test", "dat"] = contents["test", "dat"][:-1]
    with pytest.raises(DataError, match="should have 12 rows, and its source has 11; replace the source"):
        write(contents).load()


def test_a_truncated_or_missing_file_is_refused(write, contents, tmp_path, publish):
    source, path = write(contents), tmp_path / norb_of("test", "dat")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match="testing-dat.mat.gz is not the published file"):
        source.load()
    publish(SmallNorb, path)
    with pytest.raises(DataError, match="testing-dat.mat.gz cannot be read .*delete the file, or replace it"):
        source.load()
    path.unlink()
    with pytest.raises(
        DataError, match=r"'smallnorb' is not available: .*testing-dat.mat.gz is in none of .*cs.nyu.edu"
    ):
        source.load()
