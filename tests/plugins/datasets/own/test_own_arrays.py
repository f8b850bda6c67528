"""npz, npy and HDF5 files."""

import h5py
import numpy as np
import pytest
import torch

from vaehub import DataError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own import arrays
from vaehub.plugins.datasets.own.arrays import Arrays
from vaehub.plugins.datasets.own.params import ArraysParams

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3
EXPECTED = torch.from_numpy(IMAGES.transpose(0, 3, 1, 2).astype(np.float32)) / 255


def load(path, **settings):
    return Arrays(parse(ArraysParams, {"path": path, **settings}, owner="dataset 'arrays'")).load()


def saved(tmp_path, ending, **values):
    path = tmp_path / f"data{ending}"
    if ending == ".npy":
        np.save(path, values["images"])
    elif ending == ".npz":
        np.savez_compressed(path, **values)
    else:
        with h5py.File(path, "w") as file:
            for name, value in values.items():
                file.create_dataset(name, data=value, chunks=(1, *value.shape[1:]), compression="gzip")
    return path


@pytest.mark.parametrize("ending", [".npz", ".npy", ".h5"])
@pytest.mark.parametrize("limit", [1 << 30, 100])
def test_images_come_out_as_they_went_in(tmp_path, monkeypatch, ending, limit):
    monkeypatch.setattr(arrays, "IN_MEMORY", limit)
    data = load(saved(tmp_path, ending, images=IMAGES))
    assert isinstance(data.stored, torch.Tensor) == (limit > 100)
    assert torch.equal(data.batch(torch.tensor([3, 11, 0])).x, EXPECTED[[3, 11, 0]])


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_labels_and_factors_belong_to_their_images(tmp_path, ending):
    factors = np.stack([np.arange(12) // 4 * 0.5, np.arange(12) % 4], axis=1)
    data = load(saved(tmp_path, ending, images=IMAGES, labels=LABELS, factors=factors))
    assert data.labels.tolist() == LABELS.tolist()
    assert data.factors.sizes == (3, 4)
    assert data.factors.is_grid
    row = data.factors.lookup(data.factors.classes_of({"factor_0": 0.5, "factor_1": 2})[None])
    assert torch.equal(data.batch(row).x[0], EXPECTED[6])


def test_arrays_of_other_names_are_named_by_the_user(tmp_path):
    path = saved(tmp_path, ".npz", pictures=IMAGES, kinds=LABELS)
    with pytest.raises(DataError, match=r"holds 'pictures', 'kinds'; say which .*'-s data.images=NAME'"):
        load(path)
    data = load(path, images="pictures", labels="kinds")
    assert torch.equal(data.x, EXPECTED)
    assert data.labels.tolist() == LABELS.tolist()
    with pytest.raises(DataError, match="has no array 'picture', it has 'pictures', 'kinds'"):
        load(path, images="picture")


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        (IMAGES[..., 0], (1, 5, 4), EXPECTED[:, :1]),
        (EXPECTED.numpy(), (3, 5, 4), EXPECTED),
        (IMAGES.astype(np.int64), (3, 5, 4), EXPECTED),
        (IMAGES > 127, (3, 5, 4), (EXPECTED > 0.5).float()),
        ((IMAGES > 127).astype(np.uint8), (3, 5, 4), (EXPECTED > 0.5).float()),
        (IMAGES.astype(">u2"), (3, 5, 4), EXPECTED),
        (np.asfortranarray(IMAGES), (3, 5, 4), EXPECTED),
        (np.arange(24.0).reshape(12, 2) - 7, (2,), torch.arange(24.0).reshape(12, 2) - 7),
        (np.arange(24).reshape(12, 2), (2,), torch.arange(24.0).reshape(12, 2)),
    ],
)
def test_every_kind_of_numbers_is_understood(tmp_path, values, shape, expected):
    data = load(saved(tmp_path, ".npy", images=values))
    assert data.spec.shape == shape
    torch.testing.assert_close(data.x, expected, rtol=1e-6, atol=0)


def test_an_axis_that_could_be_either_is_asked_for(tmp_path):
    path = saved(tmp_path, ".npy", images=np.zeros((2, 3, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"which axis holds the channels is not clear; say '-s data.layout=nhwc'"):
        load(path)
    assert load(path, layout="nhwc").spec.shape == (3, 3, 8)
    assert load(path, layout="nchw").spec.shape == (3, 8, 3)


def test_words_are_labels_too(tmp_path):
    data = load(saved(tmp_path, ".npz", images=IMAGES, labels=np.array(["b", "a", "c"] * 4)))
    assert data.labels.tolist() == [1, 0, 2] * 4


def test_text_in_hdf5_is_labels_too(tmp_path):
    path = saved(tmp_path, ".h5", images=IMAGES)
    with h5py.File(path, "a") as file:
        file["labels"] = ["cat", "ant", "bee"] * 4
    assert load(path).labels.tolist() == [2, 0, 1] * 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"images": np.full((2, 4, 4), 2.0)}, r"lies in \[2, 2\], and images lie in \[0, 1\]"),
        ({"images": np.full((2, 4, 4), np.nan)}, "holds NaN or infinity"),
        ({"images": np.full((2, 4, 4), 300)}, r"lies in \[300, 300\]"),
        ({"images": np.zeros(5)}, r"is \(5,\) of float64, and observations are"),
        ({"images": np.array(["a", "b"])}, r"is \(2,\) of <U1"),
        (
            {"images": IMAGES, "labels": np.zeros(11)},
            r"holds 'images' of shape \(12, 5, 4, 3\) and 'labels' of shape \(11,\)",
        ),
        ({"images": IMAGES, "labels": np.array(3)}, r"'labels' of shape \(1,\)"),
        ({"images": IMAGES, "factors": np.zeros(12)}, r"'factors' is \(12,\) of float64, and factors are \(n, m\)"),
    ],
)
@pytest.mark.parametrize("limit", [1 << 30, 10])
def test_what_does_not_fit_is_named(tmp_path, monkeypatch, values, words, limit):
    monkeypatch.setattr(arrays, "IN_MEMORY", limit)
    path = saved(tmp_path, ".npz", **values)
    with pytest.raises(DataError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_objects_are_refused(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, images=np.array([object()]))
    with pytest.raises(DataError, match="holds Python objects, which can run code"):
        load(path)


@pytest.mark.parametrize("ending", [".npz", ".npy", ".h5"])
def test_a_file_of_another_kind_is_named(tmp_path, ending):
    path = tmp_path / f"data{ending}"
    path.write_bytes(b"nothing of the sort")
    with pytest.raises(DataError, match=rf"data{ending} cannot be read as"):
        load(path)


def test_the_prepared_form_is_what_was_asked_for(tmp_path):
    path = saved(tmp_path, ".npz", images=IMAGES, labels=LABELS)
    data = load(path, size=8, channels=1, split=[0.5, 0.25, 0.25])
    assert data.spec.shape == (1, 8, 8)
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 6, "validation": 3, "test": 3}


def test_faces_are_vectors(real_data):
    data = load(real_data / "freyfaces" / "freyfaces.npy")
    assert len(data) == 1965
    assert data.spec.shape == (560,)
    assert data.spec.in_unit_interval
