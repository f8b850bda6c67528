"""Symmetric Solids from an archive of the published form, in small."""

import dataclasses
import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from vaehub import DataError
from vaehub.files import FileParams
from vaehub.plugins.datasets.symsol import source
from vaehub.plugins.datasets.symsol.archive import SHAPES, SPLITS
from vaehub.plugins.datasets.symsol.params import SymsolParams
from vaehub.plugins.datasets.symsol.source import Symsol, SymsolReduced

N = {"train": 3, "test": 2}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    # Several blocks.
    monkeypatch.setattr("vaehub.plugins.datasets.symsol.archive.AT_ONCE", 7)


def png(colour):
    """Return a picture that is white above and of one colour below."""
    pixels = np.full((224, 224, 3), 255, np.uint8)
    pixels[112:] = colour
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def colour_of(part, shape, index):
    # Of different grey for all shapes without marks.
    return (30 * SHAPES.index(shape), 100 * SPLITS.index(part), 20 * index)


@pytest.fixture
def views():
    """Name and content of every file, in an order of no meaning, as archives have."""
    keys = [(part, shape, index) for index in (2, 0, 1) for part in SPLITS for shape in SHAPES[::-1]]
    pictures = {
        f"{part}/images/{shape}_{index:05d}.png": png(colour_of(part, shape, index))
        for part, shape, index in keys
        if index < N[part]
    }
    return {"train/rotations.npz": b"rotations", **pictures, "test/rotations.npz": b"rotations"}


@pytest.fixture
def write(tmp_path):
    def write(files):
        with zipfile.ZipFile(tmp_path / "symsol_dataset.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return tmp_path

    return write


def test_images_are_sorted_by_part_shape_and_number(write, views):
    data = Symsol(SymsolParams(root=write(views), channels=3)).load()
    assert data.spec.shape == (3, 64, 64)
    expected = [colour_of(part, shape, index) for part in SPLITS for shape in SHAPES for index in range(N[part])]
    images = data.stored.take(torch.arange(len(data)))
    assert images[:, :, 50, 20].tolist() == [list(colour) for colour in expected]
    assert bool((images[:, :, :31] == 255).all())


def test_labels_and_parts_belong_to_their_images(write, views):
    data = Symsol(SymsolParams(root=write(views), channels=3)).load()
    for at, (name, n) in enumerate(N.items()):
        part = data.split(name)
        assert len(part) == n * len(SHAPES)
        colours = part.stored.take(torch.arange(len(part)))[:, :, 60, 5]
        assert torch.equal(colours[:, 0].long(), 30 * part.labels)
        assert colours[:, 1].unique().tolist() == [100 * at]
    assert data.spec.n_classes == 8


def test_images_are_grey_and_64_unless_asked_otherwise(write, views):
    root = write(views)
    data = Symsol(SymsolParams(root=root)).load()
    assert data.spec.shape == (1, 64, 64)
    red, green, blue = colour_of("test", "sphereX", 1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    assert int(data.stored.take(torch.tensor([len(data) - 1]))[0, 0, 40, 40]) == pytest.approx(luma, abs=1)
    assert Symsol(SymsolParams(root=root, size=16, pad=2)).load().spec.shape == (1, 20, 20)
    assert Symsol(SymsolParams(root=root, size=None, channels=None)).load().spec.shape == (3, 224, 224)


def test_the_archive_is_gone_through_once(write, views, monkeypatch):
    root = write(views)
    first = Symsol(SymsolParams(root=root)).load().x
    monkeypatch.setattr("vaehub.plugins.datasets.symsol.archive.open_image", None)
    assert torch.equal(Symsol(SymsolParams(root=root)).load().x, first)
    # The reduced form is made of the same small images.
    assert len(SymsolReduced(FileParams(root=root)).load()) == 25


def test_reduced_has_no_marked_shapes_and_no_duplicates(write, views):
    # The grey of one view in three places: within a shape, across parts, and across shapes.
    for name in ("train/images/cube_00002.png", "test/images/cube_00000.png", "test/images/cyl_00001.png"):
        views[name] = views["train/images/cube_00001.png"]
    # A marked shape that looks the same is no reason to remove anything.
    views["train/images/sphereX_00000.png"] = views["train/images/tet_00000.png"]
    data = SymsolReduced(FileParams(root=write(views))).load()
    assert data.spec.shape == (1, 64, 64)
    assert not data.splits
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 0, 0, 1, 2, 2, 3, 3, 4]
    images = data.stored.take(torch.arange(len(data))).flatten(1)
    assert len(torch.unique(images, dim=0)) == len(data)


def test_reduced_removes_what_only_differs_before_it_is_small_and_grey(write, views):
    pixels = np.asarray(Image.open(io.BytesIO(views["train/images/cone_00000.png"]))).copy()
    pixels[200, 200] ^= 1
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    views["test/images/cone_00000.png"] = stream.getvalue()
    assert len(SymsolReduced(FileParams(root=write(views))).load()) == 24


def test_a_shape_that_is_missing_is_named(write, views):
    kept = {name: content for name, content in views.items() if "test/images/icosa" not in name}
    with pytest.raises(DataError, match=r"symsol_dataset.zip has no test/images/icosa_….png; replace the file"):
        Symsol(SymsolParams(root=write(kept))).load()
    with pytest.raises(DataError, match=r"symsol_dataset.zip has no train/images/tet_….png; replace the file"):
        Symsol(SymsolParams(root=write({"readme.txt": b""}))).load()


def test_a_damaged_picture_is_named(write, views, tmp_path):
    views["test/images/icosa_00001.png"] = views["test/images/icosa_00001.png"][:100]
    with pytest.raises(DataError, match=r"zip, test/images/icosa_00001.png cannot be decoded .*replace"):
        Symsol(SymsolParams(root=write(views))).load()
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_a_truncated_or_missing_archive_is_refused(write, views, tmp_path):
    params, path = SymsolParams(root=write(views)), tmp_path / "symsol_dataset.zip"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(
        DataError, match="symsol_dataset.zip cannot be read as an archive .*delete the file, or replace"
    ):
        Symsol(params).load()


@pytest.mark.parametrize("entry", [Symsol, SymsolReduced])
def test_a_missing_archive_is_said_to_be_in_no_place(entry, tmp_path, monkeypatch):
    files = tuple(dataclasses.replace(file, address=None) for file in source.cards.SYMSOL.files)
    monkeypatch.setattr(entry, "card", dataclasses.replace(source.cards.SYMSOL, files=files))
    with pytest.raises(DataError, match=r"'symsol' is not available: symsol_dataset.zip is in none of .*implicit-pdf"):
        entry(entry.Params(root=tmp_path)).load()
