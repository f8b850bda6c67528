"""3D Shapes from a file of the published form, in small."""

import itertools

import h5py
import numpy as np
import pytest
import torch

from vaehub import DataError
from vaehub.files import FileParams
from vaehub.plugins.datasets.grids.shapes3d import Shapes3d

VALUES = ((0.0, 0.1), (0.0, 0.1), (0.0, 0.5, 0.9), (0.75, 1.25), (0.0, 1.0), (-30.0, 0.0, 30.0))
SIZES = tuple(map(len, VALUES))
N = int(np.prod(SIZES))


@pytest.fixture
def write(tmp_path, monkeypatch, publish):
    def write(images, labels):
        path = tmp_path / "3dshapes.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("images", data=images, chunks=(8, 4, 4, 1), compression="gzip")
            if labels is not None:
                file.create_dataset("labels", data=labels)
        monkeypatch.setattr(Shapes3d, "values", VALUES)
        # Several blocks, of whole chunks.
        monkeypatch.setattr("vaehub.plugins.datasets.grids.shapes3d.ROWS_AT_ONCE", 20)
        publish(Shapes3d, path, sizes=SIZES)
        return Shapes3d(FileParams(root=tmp_path))

    return write


@pytest.fixture
def labels():
    return np.array(list(itertools.product(*VALUES)))


@pytest.fixture
def images(rng):
    # Each row has its number in its first pixel, the rest is noise.
    images = np.zeros((N, 64, 64, 3), np.uint8)
    images[:, :8, :8] = rng.integers(256, size=(N, 8, 8, 3))
    images[:, 0, 0, 0] = np.arange(N)
    images[:, 1, 2] = [10, 20, 30]
    return images


def test_pixels_come_out_where_they_went_in(write, images, labels):
    data = write(images, labels).load()
    assert data.spec.shape == (3, 64, 64)
    rows = torch.tensor([N - 1, 0, 17])
    assert torch.equal(data.stored.take(rows), torch.from_numpy(images[rows.numpy()].transpose(0, 3, 1, 2)))
    assert data.batch(rows).x[0, :, 1, 2].mul(255).round().tolist() == [10, 20, 30]


def test_factors_are_those_of_the_labels(write, images, labels):
    data = write(images, labels).load()
    values = torch.tensor(labels)
    for at, axis in enumerate(data.factors.values):
        assert torch.equal(torch.tensor(axis, dtype=torch.float64)[data.factors.classes[:, at]], values[:, at])
    row = data.factors.lookup(data.factors.classes_of(dict(zip(data.factors.names, labels[41], strict=True)))[None])
    assert int(data.stored.take(row)[0, 0, 0, 0]) == 41


def test_the_official_values_are_as_many_as_the_official_sizes():
    assert tuple(map(len, Shapes3d.values)) == tuple(size for _, size in Shapes3d.card.factors)
    assert Shapes3d.values[3][0] == 0.75
    assert Shapes3d.values[5][7] == pytest.approx(0)


def test_a_file_is_unpacked_once(write, images, labels, monkeypatch):
    source = write(images, labels)
    first = source.load().x
    monkeypatch.setattr(Shapes3d, "blocks", None)
    assert torch.equal(source.load().x, first)


def test_parameters_of_images_are_carried_out(write, images, labels, tmp_path):
    write(images, labels)
    data = Shapes3d(FileParams(root=tmp_path, size=32, channels=1, subset=5)).load()
    assert tuple(data.x.shape) == (5, 1, 32, 32)


def test_labels_that_differ_from_the_grid_are_refused(write, images, labels, tmp_path):
    labels[30, 2] = 0.3
    with pytest.raises(
        DataError, match=r"3dshapes.h5 labels image 30 \[.*0.3.*\], and it should be .*replace the file"
    ):
        write(images, labels).load()
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_another_shape_is_refused(write, images, labels):
    with pytest.raises(DataError, match=r"array 'images', should have shape \(144, 64, 64, 3\) .* has \(140, 64"):
        write(images[:140], labels).load()


def test_an_array_that_is_missing_is_named(write, images):
    with pytest.raises(DataError, match="3dshapes.h5 cannot be read .*labels.*replace it"):
        write(images, None).load()


def test_a_truncated_file_is_refused(write, images, labels, tmp_path, publish):
    source = write(images, labels)
    path = tmp_path / "3dshapes.h5"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"3dshapes.h5 is not the published file: .* delete the file, or replace it"):
        source.load()
    publish(Shapes3d, path, sizes=SIZES)
    with pytest.raises(DataError, match="3dshapes.h5 cannot be read as the file of 3D Shapes .*replace it"):
        source.load()


def test_a_missing_file_is_said_to_be_in_no_place(write, images, labels, tmp_path):
    source = write(images, labels)
    (tmp_path / "3dshapes.h5").unlink()
    with pytest.raises(
        DataError, match=r"'shapes3d' is not available: 3dshapes.h5 is in none of .*shapes3d.*github.com"
    ):
        source.load()
