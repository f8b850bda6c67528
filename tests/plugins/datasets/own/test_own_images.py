"""Folders and archives of pictures."""

import io
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from vaehub import DataError
from vaehub.core.errors import VaehubError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own import images
from vaehub.plugins.datasets.own.images import Images
from vaehub.plugins.datasets.own.params import ImagesParams


def load(path, **settings):
    return Images(parse(ImagesParams, {"path": path, **settings}, owner="dataset 'images'")).load()


def flat(folder, n=3, size=(8, 6), mode="L"):
    """Make a folder of pictures of one size, each of one brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(n):
        Image.new(mode, size, at * 10 if mode == "L" else (at * 10, 0, 255)).save(folder / f"{at}.png")
    return folder


def test_pictures_of_one_size_are_taken_as_they_are(tmp_path):
    data = load(flat(tmp_path / "grey"))
    assert data.spec.shape == (1, 6, 8)
    assert (data.x * 255).round()[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert data.labels is None


def test_colours_are_channels_in_the_order_red_green_blue(tmp_path):
    data = load(flat(tmp_path / "colour", mode="RGB"))
    assert data.spec.shape == (3, 6, 8)
    assert (data.x[2, :, 0, 0] * 255).round().tolist() == [20, 0, 255]


def test_pictures_of_all_sizes_are_brought_to_one_and_folders_are_labels(photographs):
    data = load(photographs, size=16)
    assert data.spec.shape == (3, 16, 16)
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    # The last in order of name is the grey one.
    assert (data.x[6] * 255).round().unique().tolist() == [128]


def test_the_centre_is_cut_or_the_whole_is_stretched(tmp_path):
    pixels = np.zeros((20, 60), np.uint8)
    pixels[:, 20:40] = 255
    (tmp_path / "wide").mkdir()
    Image.fromarray(pixels).save(tmp_path / "wide" / "a.png")
    assert (load(tmp_path / "wide", size=20).x == 1).all()
    assert load(tmp_path / "wide", size=20, crop=False).x.mean().item() == pytest.approx(1 / 3, abs=0.02)


def test_mixed_sizes_are_named_with_what_to_do(photographs):
    with pytest.raises(DataError, match=r"holds images of 3 sizes|holds images of 4 sizes") as caught:
        load(photographs)
    assert "'-s data.size=64'" in str(caught.value)
    assert "30x40 (cat/0.png)" in str(caught.value)


def test_outermost_folders_named_for_parts_are_parts(tmp_path):
    for part, classes in (("train", "ab"), ("val", "a"), ("test", "b")):
        for name in classes:
            flat(tmp_path / "data" / part / name, n=2)
    data = load(tmp_path / "data")
    assert {name: len(rows) for name, rows in data.splits.items()} == {"test": 2, "train": 4, "validation": 2}
    assert data.split("test").labels.tolist() == [1, 1]
    assert data.split("train").labels.tolist() == [0, 0, 1, 1]


def test_pictures_outside_class_folders_are_named_unless_no_labels_are_wanted(tmp_path):
    flat(tmp_path / "data" / "a")
    flat(tmp_path / "data", n=1)
    with pytest.raises(DataError, match=r"holds 1 images outside class folders, such as 0.png"):
        load(tmp_path / "data")
    assert load(tmp_path / "data", labels="none").labels is None


def archived(folder, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*.*")):
                archive.write(file, f"packed/{file.relative_to(folder)}")
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, "packed")
    return path


@pytest.mark.parametrize("name", ["photographs.zip", "photographs.tar.gz"])
def test_an_archive_holds_what_its_folder_holds(photographs, tmp_path, name):
    packed, plain = load(archived(photographs, tmp_path / name), size=16), load(photographs, size=16)
    assert len(packed) == len(plain)
    assert sorted(packed.labels.tolist()) == plain.labels.tolist()
    by_value = [sorted(map(tuple, data.x.flatten(1).tolist())) for data in (packed, plain)]
    assert by_value[0] == by_value[1]


def test_two_pictures_of_one_name_are_two_pictures(tmp_path):
    content = io.BytesIO()
    Image.new("L", (4, 4), 9).save(content, "PNG")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a.png", content.getvalue())
        archive.writestr("a.png", content.getvalue())
    assert len(load(tmp_path / "twice.zip")) == 2


def test_many_pictures_are_mapped_from_a_file_and_are_the_same(photographs, monkeypatch):
    held = load(photographs, size=16)
    monkeypatch.setattr(images, "IN_MEMORY", 1000)
    mapped = load(photographs, size=16)
    assert not isinstance(mapped.stored, torch.Tensor)
    assert torch.equal(mapped.x, held.x)
    assert torch.equal(mapped.labels, held.labels)


def test_the_same_pictures_elsewhere_are_the_same_data(photographs, tmp_path):
    before = parse(ImagesParams, {"path": photographs}, owner="x").identity()
    photographs.rename(tmp_path / "elsewhere")
    assert parse(ImagesParams, {"path": tmp_path / "elsewhere"}, owner="x").identity() == before


def test_pictures_that_changed_are_not_the_ones_that_were(photographs):
    stored = parse(ImagesParams, {"path": photographs}, owner="x")
    (photographs / "cat" / "0.png").unlink()
    with pytest.raises(VaehubError, match=r"the content of .*photographs' has changed"):
        parse(ImagesParams, {"path": photographs, "content": stored.content}, owner="x")


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no images \(.png, .jpg"):
        load(tmp_path / "empty")


@pytest.mark.parametrize("name", [".zgroup", ".zarray", "zarr.json"])
def test_a_folder_of_zarr_is_named_as_one(tmp_path, name):
    (tmp_path / "cells.zarr" / "X").mkdir(parents=True)
    (tmp_path / "cells.zarr" / name).write_text("{}")
    with pytest.raises(DataError, match=r"cells.zarr is a Zarr store, and vaehub reads none; .*write_h5ad"):
        load(tmp_path / "cells.zarr")


@pytest.mark.parametrize("inside", ["", "cells.zarr/"])
@pytest.mark.parametrize("name", [".zgroup", "zarr.json"])
def test_a_packed_store_of_zarr_is_named_as_one(tmp_path, inside, name):
    with zipfile.ZipFile(tmp_path / "cells.zarr.zip", "w") as file:
        file.writestr(f"{inside}{name}", "{}")
        file.writestr(f"{inside}X/c/0/0", b"1")
    with pytest.raises(DataError, match=r"cells.zarr.zip is a packed Zarr store, .*; unpack it into a folder first; "):
        load(tmp_path / "cells.zarr.zip")


def test_an_archive_without_images_is_no_store_of_zarr(tmp_path):
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as file:
        file.writestr("a/b/zarr.json", "{}")
    with pytest.raises(DataError, match=r"notes.zip holds no images \("):
        load(tmp_path / "notes.zip")


@pytest.mark.parametrize("ending", ["mat", "mat.gz"])
def test_files_of_smallnorb_are_sent_to_their_own_dataset(tmp_path, ending):
    (tmp_path / f"smallnorb-5x46789x9x18x6x2x96x96-training-dat.{ending}").write_bytes(b"\x55\x4c\x3d\x1e")
    with pytest.raises(DataError, match=r"holds files of SmallNORB, .*'--dataset smallnorb --set data.root="):
        load(tmp_path)


def test_a_picture_that_cannot_be_decoded_is_named(photographs):
    whole = (photographs / "cat" / "2.png").read_bytes()
    (photographs / "cat" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"photographs/cat/2.png cannot be decoded as an image"):
        load(photographs, size=16)


def test_a_text_called_a_picture_is_named(photographs):
    (photographs / "dog" / "text.png").write_text("hello")
    with pytest.raises(DataError, match=r"photographs/dog/text.png cannot be decoded as an image"):
        load(photographs, size=16)


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png"])
def test_an_archive_that_climbs_out_is_refused_and_writes_nothing(tmp_path, name):
    content = io.BytesIO()
    Image.new("L", (4, 4)).save(content, "PNG")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(name, content.getvalue())
    with pytest.raises(DataError, match=r"evil.zip holds .*evil.png', a path that climbs out of its folder"):
        load(tmp_path / "evil.zip")
    assert not list(tmp_path.parent.glob("evil.png"))


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(80 << 20))
    with pytest.raises(DataError, match=r"bomb.zip expands to 84 MB from 0.08 MB, over 500 times its size"):
        load(tmp_path / "bomb.zip")
