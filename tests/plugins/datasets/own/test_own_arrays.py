"""npz, npy and HDF5 files."""

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vaehub import DataError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own import matrix
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
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
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
        (
            {"images": IMAGES, "factors": np.zeros((12, 2, 2))},
            r"'factors' is \(12, 2, 2\) of float64, and factors are \(n, m\)",
        ),
    ],
)
@pytest.mark.parametrize("limit", [1 << 30, 10])
def test_what_does_not_fit_is_named(tmp_path, monkeypatch, values, words, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
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


@pytest.mark.parametrize("ending", [".npz", ".h5"])
@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS + 20240001, ("20240001", "20240002", "20240003")),
        (LABELS * 10_000_000, ("0", "10000000", "20000000")),
        (LABELS.astype(np.uint64) + np.uint64(2**63), tuple(str(2**63 + at) for at in range(3))),
        (LABELS - 1, ("-1", "0", "1")),
        (LABELS[:, None].astype(np.uint8), ("0", "1", "2")),
        (LABELS / 2, ("0", "0.5", "1")),
        (np.array([b"a", b"b", b"c"])[LABELS], ("a", "b", "c")),
        (LABELS > 5, ("False",)),
    ],
)
def test_labels_of_any_values_are_classes_by_name(tmp_path, ending, labels, names):
    data = load(saved(tmp_path, ending, images=IMAGES, labels=labels))
    assert data.labels.tolist() == (LABELS.tolist() if len(names) == 3 else [0] * 12)
    assert data.class_names == names
    assert data.spec.n_classes == len(names)


def test_what_is_found_by_its_name_is_told_and_can_be_declined_or_renamed(tmp_path):
    path = saved(
        tmp_path, ".npz", images=IMAGES, labels=np.eye(12), kinds=LABELS, latents=np.zeros((12, 1)), none=LABELS
    )
    with pytest.raises(DataError, match=r"'labels': labels have shape \(12, 12\).*'none' leaves them out"):
        load(path)
    data = load(path, labels="kinds")
    assert data.factors is not None
    assert "'latents' are taken for factors" in data.notes[0]
    assert load(path, labels="kinds", factors="kinds").factors.names == ("kinds",)
    named = load(path, labels="none")
    assert named.labels.tolist() == LABELS.tolist()  # an array of this name is there
    path = saved(tmp_path, ".npz", images=IMAGES, labels=np.eye(12), latents=np.zeros((12, 1)))
    data = load(path, labels="none", factors="none")
    assert (data.labels, data.factors, data.notes) == (None, None, ())


def test_lengths_that_differ_are_declined_too(tmp_path):
    path = saved(tmp_path, ".npz", images=IMAGES, labels=LABELS[:5])
    with pytest.raises(DataError, match="name others with 'data.labels' and 'data.factors', or 'none'"):
        load(path)
    assert load(path, labels="none").labels is None


def test_several_arrays_are_factors_by_their_names(tmp_path):
    words = np.array(["n", "s"])[LABELS % 2]
    path = saved(
        tmp_path, ".npz", images=IMAGES, shape=LABELS, place=words, pose=np.stack([LABELS, LABELS / 2], axis=1)
    )
    data = load(path, factors="shape,place,pose")
    assert data.factors.names == ("shape", "place", "pose_0", "pose_1")
    assert data.factors.class_names[1] == ("n", "s")


@pytest.mark.parametrize("limit", [1 << 30, 10])
def test_observations_that_lack_something_are_refused_or_left_out(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    labels, factors = LABELS.astype(float), np.stack([LABELS, LABELS], axis=1).astype(float)
    labels[2], factors[5, 1] = np.nan, np.nan
    kept = [at for at in range(12) if at not in (2, 5)]
    path = saved(tmp_path, ".npz", images=IMAGES, labels=labels, factors=factors)
    with pytest.raises(DataError, match=r"'labels', has 1 missing values, and 1 others have some; .*data.missing=drop"):
        load(path)
    data = load(path, missing="drop")
    assert torch.equal(data.x, EXPECTED[kept])
    assert data.labels.tolist() == LABELS[kept].tolist()
    assert data.class_names == ("0", "1", "2")
    assert "2 of 12 rows are left out, with 1 of 'labels', 1 of 'factor_1' missing" in data.notes[-1]


@pytest.mark.parametrize("limit", [1 << 30, 10])
@pytest.mark.parametrize("ending", [".npz", ".npy", ".h5"])
def test_vectors_are_scaled_in_memory_and_beyond(tmp_path, monkeypatch, ending, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    monkeypatch.setattr(matrix, "AT_ONCE", 100)
    x = RNG.normal(50, 1e4, (40, 3))
    x[7, 1] = np.nan
    path = saved(tmp_path, ending, images=x)
    with pytest.raises(DataError, match="holds NaN or infinity; clean it first, or leave NaN out"):
        load(path)
    x = np.delete(x, 7, axis=0)
    raw = load(path, missing="drop")
    assert torch.equal(raw.x, torch.from_numpy(x.astype(np.float32)))
    assert not raw.spec.in_unit_interval
    standard = load(path, missing="drop", scale="standard")
    np.testing.assert_allclose(standard.x, (x - x.mean(axis=0)) / x.std(axis=0), atol=1e-6)
    unit = load(path, missing="drop", scale="unit")
    np.testing.assert_allclose(unit.x, (x - x.min(axis=0)) / np.ptp(x, axis=0), atol=1e-6)
    assert unit.spec.in_unit_interval
    with pytest.raises(DataError, match="is for counts; 'standard' scales any"):
        load(path, missing="drop", scale="log1p")


def test_bytes_that_are_counts_are_scaled_as_numbers(tmp_path):
    counts = RNG.integers(0, 200, (12, 4), dtype=np.uint8)
    path = saved(tmp_path, ".npy", images=counts)
    np.testing.assert_allclose(load(path, scale="log1p").x, np.log1p(counts.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(load(path).x, counts / 255, rtol=1e-6)


def test_images_are_not_scaled_by_column(tmp_path):
    with pytest.raises(DataError, match="'data.scale' is for vectors, and .* is images"):
        load(saved(tmp_path, ".npy", images=IMAGES), scale="unit")


@pytest.mark.parametrize("limit", [1 << 30, 10])
@pytest.mark.parametrize("outside", [1 + 2e-7, -9e-7, 1.00001, -3e-6])
def test_rounding_is_forgiven_and_what_is_more_shows_its_digits(tmp_path, monkeypatch, outside, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    x = RNG.random((6, 4, 4))
    x[0, 0, 0] = outside
    path = saved(tmp_path, ".npz", images=x)
    if abs(outside - round(outside)) <= 1e-6:
        values = load(path).x
        assert values.min() >= 0
        assert values.max() <= 1
        return
    with pytest.raises(DataError, match=r"lies in \[.*\], and images lie in \[0, 1\]") as caught:
        load(path)
    assert repr(outside) in str(caught.value) or "1.00001" in str(caught.value) or "-3e-06" in str(caught.value)


@pytest.mark.parametrize("limit", [1 << 30, 10])
def test_arrays_stored_by_columns_are_read(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    factors = np.stack([np.arange(12) % 3, np.arange(12) % 4]).T  # as numpy keeps it: by columns
    data = load(saved(tmp_path, ".npz", images=np.asfortranarray(IMAGES), factors=factors))
    assert torch.equal(data.x, EXPECTED)
    assert data.factors.classes.tolist() == factors.tolist()


def tensors(tmp_path, ending, **values):
    path = tmp_path / f"data{ending}"
    if ending == ".safetensors":
        save_file(values, path)
    else:
        torch.save(values, path)
    return path


@pytest.mark.parametrize("ending", [".pt", ".pth", ".safetensors"])
def test_tensors_by_name_are_read(tmp_path, ending):
    path = tensors(tmp_path, ending, images=torch.from_numpy(IMAGES), labels=torch.from_numpy(LABELS + 7))
    data = load(path)
    assert torch.equal(data.x, EXPECTED)
    assert data.class_names == ("7", "8", "9")
    x = torch.randn(12, 3, dtype=torch.bfloat16)
    assert torch.equal(load(tensors(tmp_path, ending, x=x)).x, x.float())
    path = tensors(tmp_path, ending, codes=x, other=x + 1)
    with pytest.raises(DataError, match="holds 'codes', 'other'; say which"):
        load(path)
    assert load(path, images="codes").spec.shape == (3,)


def test_tensors_alone_in_tuples_and_below_are_read(tmp_path):
    x = torch.randn(12, 3, requires_grad=True)
    torch.save(x, tmp_path / "alone.pt")
    assert torch.equal(load(tmp_path / "alone.pt").x, x.detach())
    torch.save((x, torch.from_numpy(LABELS)), tmp_path / "pair.pt")
    assert load(tmp_path / "pair.pt", images=0, labels=1).labels.tolist() == LABELS.tolist()
    torch.save({"epoch": 3, "train": {"x": x, "y": ["b", "a", None] * 4}}, tmp_path / "below.pt")
    data = load(tmp_path / "below.pt", images="train/x", labels="train/y", missing="drop")
    assert data.labels.tolist() == [1, 0] * 4
    torch.save(x.detach().to_sparse(), tmp_path / "sparse.pt")
    assert torch.equal(load(tmp_path / "sparse.pt").x, x.detach())


@pytest.mark.parametrize("stored", [object, torch.nn.Linear(2, 2)])
def test_nothing_is_unpickled(tmp_path, stored):
    torch.save(stored, tmp_path / "object.pt")
    with pytest.raises(DataError, match=r"object.pt cannot be read as tensors alone .*save a tensor, or a dictionary"):
        load(tmp_path / "object.pt")


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_damaged_tensors_are_named(tmp_path, ending):
    path = tensors(tmp_path, ending, x=torch.randn(12, 3))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=rf"data{ending} cannot be read as"):
        load(path)


@pytest.mark.parametrize("limit", [1 << 30, 10])
def test_numbers_beyond_single_precision_are_refused_or_scaled(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    path = saved(tmp_path, ".npy", images=np.array([[1e40], [2e40], [-3e40]]))
    with pytest.raises(DataError, match=r"reaches 3e\+40, beyond the numbers of single precision; scale it"):
        load(path)
    np.testing.assert_allclose(load(path, scale="unit").x, [[0.8], [1], [0]], rtol=1e-6)
