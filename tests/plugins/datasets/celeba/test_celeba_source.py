"""CelebA from files of the official form, made here."""

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from vaehub import DataError
from vaehub.files import DataFile, cache_folder
from vaehub.plugins.datasets.celeba import cards, source
from vaehub.plugins.datasets.celeba.params import CelebaParams
from vaehub.plugins.datasets.celeba.source import Celeba

N = 7
ATTRIBUTES = [f"Attribute_{n}" for n in range(40)]
SIGNS = np.where(np.random.default_rng(3).random((N, 40)) < 0.5, -1, 1)
PART_OF = [0, 0, 1, 2, 0, 1, 2]


def name_of(at):
    return f"{at + 1:06d}.jpg"


def jpeg(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=100, subsampling=0)
    return stream.getvalue()


def face(at):
    """A picture whose red, green and blue say the row, the column and which picture it is."""
    rows, columns = np.mgrid[:218, :178]
    return np.stack([rows, columns, np.full_like(rows, 20 * at)], axis=-1).astype(np.uint8)


def write_archive(folder, contents):
    with zipfile.ZipFile(folder / cards.ARCHIVE, "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for name, content in contents.items():
            archive.writestr(name, content)


def write_lists(folder, attributes=None, partition=None):
    lines = [f"{N}", " ".join(ATTRIBUTES) + " "]
    lines += [f"{name_of(at)} " + " ".join(f"{sign:2d}" for sign in SIGNS[at]) for at in range(N)]
    (folder / cards.ATTRIBUTES).write_text(attributes or "\n".join(lines) + "\n")
    lines = [f"{name_of(at)} {part}" for at, part in enumerate(PART_OF)]
    (folder / cards.PARTITION).write_text(partition or "\n".join(lines) + "\n")


FACES = {f"img_align_celeba/{name_of(at)}": jpeg(face(at)) for at in (3, 0, 6, 1, 5, 2, 4)}
"""Not in the order of their names."""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes the files and gives the card their checksums."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)

    def written(contents=FACES, attributes=None, partition=None):
        write_archive(tmp_path, contents)
        write_lists(tmp_path, attributes, partition)
        update(tmp_path, monkeypatch)
        return tmp_path

    return written


def update(folder, monkeypatch):
    sums = {file.name: hashlib.md5((folder / file.name).read_bytes()).hexdigest() for file in cards.CELEBA.files}
    files = tuple(DataFile(name, f"md5:{md5}") for name, md5 in sums.items())
    monkeypatch.setattr(Celeba, "card", replace(cards.CELEBA, files=files))


def load(folder, **params):
    return Celeba(CelebaParams(root=folder, **params)).load()


def pixels(data):
    return (data.x * 255).round()


def test_images_come_in_the_order_of_their_names(write):
    data = load(write())
    assert (len(data), data.spec.shape) == (N, (3, 64, 64))
    assert dict(data.splits) == {}
    assert data.factors is None
    # JPEG of the best quality keeps an even colour to a step or two.
    assert (pixels(data)[:, 2] - 20 * torch.arange(N)[:, None, None]).abs().max() <= 2


@pytest.mark.parametrize(
    ("crop", "left", "top"), [(178, 0, 20), (140, 19, 39), (100, 39, 59), (101, 38, 58), (1, 88, 108)]
)
def test_the_square_that_is_cut_out_is_centred(write, crop, left, top):
    data = load(write(), crop=crop, size=None)
    assert data.spec.shape == (3, crop, crop)
    picture = np.asarray(Image.open(io.BytesIO(FACES["img_align_celeba/000001.jpg"])))
    square = picture[top : top + crop, left : left + crop]
    assert np.array_equal(pixels(data)[0].numpy(), square.transpose(2, 0, 1))


@pytest.mark.parametrize(("crop", "size"), [(140, 64), (178, 32), (140, 140)])
def test_the_square_is_resized_with_antialiasing_once(write, crop, size):
    noise = np.random.default_rng(1).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    content = jpeg(noise)
    data = load(write({"img_align_celeba/000001.jpg": content}), crop=crop, size=size)
    left, top = (178 - crop) // 2, (218 - crop) // 2
    square = np.asarray(Image.open(io.BytesIO(content)))[top : top + crop, left : left + crop]
    # An independent implementation: the weights of both resamplings differ by less than a rounding of 8 bits each way.
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float(), (size, size), mode="bilinear", antialias=True
    )
    assert (pixels(data) - expected).abs().max() <= 1.5


def test_other_preparations_follow(write):
    data = load(write(), size=28, pad=2, channels=1, first=3)
    assert data.spec.shape == (1, 32, 32)
    assert len(data) == 3
    assert float(data.x[:, :, :2].max()) == 0


def test_pictures_are_decoded_once_for_each_archive_crop_and_size(write, monkeypatch):
    folder = write()
    first, other = load(folder), load(folder, crop=178)
    load(folder, size=32)
    assert not torch.equal(first.x, other.x)
    kept = [path.name for path in (cache_folder() / "unpacked").glob("*.npy")]
    md5 = hashlib.md5((folder / cards.ARCHIVE).read_bytes()).hexdigest()
    assert sorted(kept) == [f"celeba-{md5}-crop{crop}.npy" for crop in ("140-size32", "140-size64", "178-size64")]
    monkeypatch.setattr(source, "open_image", None)
    assert torch.equal(load(folder).x, first.x)


def test_memory_is_bounded_whatever_the_number_of_pictures(write, monkeypatch):
    folder = write()
    whole = load(folder).x
    read = []
    members = source.read_members

    def noted(path, wanted):
        found = list(members(path, wanted))
        read.append(len(found))
        yield from found

    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "other"))
    monkeypatch.setattr(source, "read_members", noted)
    monkeypatch.setattr(source, "COMPRESSED_AT_ONCE", 3)
    monkeypatch.setattr(source, "DECODED_AT_ONCE", 2)
    assert torch.equal(load(folder).x, whole)
    assert read == [3, 3, 1]


def test_attributes_are_factors_of_two_values(write):
    data = load(write(), attributes=True)
    assert data.factors.names == tuple(ATTRIBUTES)
    assert data.spec.factor_sizes == (2,) * 40
    assert np.array_equal(data.factors.classes.numpy(), (SIGNS + 1) // 2)
    values = dict(zip(ATTRIBUTES, SIGNS[4].tolist(), strict=True))
    row = data.factors.lookup(data.factors.classes_of(values)[None])
    assert row.tolist() == [4]


def test_the_partition_gives_the_official_parts(write):
    data = load(write(), partition=True)
    found = {name: rows.tolist() for name, rows in data.splits.items()}
    assert found == {"train": [0, 1, 4], "validation": [2, 5], "test": [3, 6]}


def test_the_crop_is_at_most_as_wide_as_the_pictures():
    with pytest.raises(ValidationError, match="crop"):
        CelebaParams(crop=179)


# What is refused


def replaced(at, content):
    return FACES | {f"img_align_celeba/{name_of(at)}": content}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (jpeg(np.zeros((218, 177, 3), np.uint8)), "000006.jpg has 177x218 pixels, and should have 178x218"),
        (jpeg(np.zeros((178, 218, 3), np.uint8)), "000006.jpg has 218x178 pixels"),
        (b"not a picture", "000006.jpg cannot be decoded as an image"),
        (b"", "000006.jpg cannot be decoded as an image"),
        (FACES["img_align_celeba/000006.jpg"][:3000], "000006.jpg cannot be decoded as an image"),
    ],
)
def test_a_picture_of_another_size_or_none_is_named_and_nothing_is_left(write, content, match):
    folder = write(replaced(5, content))
    with pytest.raises(DataError, match=match) as caught:
        load(folder)
    assert f"{folder / cards.ARCHIVE}, img_align_celeba/000006.jpg" in str(caught.value)
    assert not [path for path in (cache_folder() / "unpacked").iterdir() if path.suffix != ".lock"]


def test_a_grey_picture_is_one_of_three_equal_channels(write):
    data = load(write(replaced(5, jpeg(face(5)[..., 0]))))
    assert torch.equal(data.x[5, 0], data.x[5, 1])
    assert torch.equal(data.x[5, 0], data.x[5, 2])


@pytest.mark.parametrize(
    "name", ["img_align_celeba/../../000001.jpg", "/img_align_celeba/000001.jpg", "..\\000001.jpg"]
)
def test_a_path_that_climbs_out_is_refused(write, name):
    with pytest.raises(DataError, match="climbs out of its folder; do not trust this archive"):
        load(write(FACES | {name: b""}))


def test_an_archive_that_expands_beyond_measure_is_refused(write, monkeypatch):
    folder = write()
    with zipfile.ZipFile(folder / cards.ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        # Just over the 64 MiB that any archive may expand to.
        archive.writestr("img_align_celeba/000001.jpg", bytes((64 << 20) + 1))
    update(folder, monkeypatch)
    with pytest.raises(DataError, match=f"{folder / cards.ARCHIVE} expands to 67 MB from .* 500 times its size"):
        load(folder)


def test_an_archive_without_pictures_is_refused(write):
    with pytest.raises(DataError, match="holds no images in a folder 'img_align_celeba/'; replace"):
        load(write({"faces/000001.jpg": b""}))


def test_a_truncated_or_changed_archive_is_refused(write, monkeypatch):
    folder = write()
    path = folder / cards.ARCHIVE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"{path} is not the published file"):
        load(folder)
    update(folder, monkeypatch)
    with pytest.raises(DataError, match=f"{path} cannot be read as an archive"):
        load(folder)


ROWS = [f"{name_of(at)} {'1 ' * 40}" for at in range(N)]
NAMES = " ".join(ATTRIBUTES)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["8", NAMES, *ROWS], "should begin with the number of its images, 7"),
        (["6", NAMES, *ROWS[:6]], "lists 6 images, and the archive has 7"),
        (["7", NAMES, *ROWS[::-1]], "lists '000007.jpg' where the archive has '000001.jpg'"),
        (["7", NAMES, *ROWS[:6], "000007.jpg 1 -1"], "-1 or 1 for each of 40 attributes of 000007.jpg"),
        (["7", NAMES, *ROWS[:6], ROWS[6].replace("1 1", "0 1")], "for each of 40 attributes of 000007.jpg"),
        (["7"], "should begin with the number of its images, 0"),
        ([" "], "should begin with the number"),
    ],
)
def test_a_list_of_attributes_that_does_not_fit_is_refused(write, lines, match):
    folder = write(attributes="\n".join(lines))
    with pytest.raises(DataError, match=match) as caught:
        load(folder, attributes=True)
    assert str(caught.value).startswith(str(folder / cards.ATTRIBUTES))


PARTITION = [f"{name_of(at)} 0" for at in range(N)]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([*PARTITION[:6], "000007.jpg 3"], "should have a name and 0, 1 or 2 a line, got '000007.jpg 3'"),
        ([*PARTITION[:6], "000007.jpg"], "got '000007.jpg'"),
        (PARTITION[:5], "lists 5 images, and the archive has 7"),
        (PARTITION[::-1], "lists '000007.jpg' where the archive has '000001.jpg'"),
    ],
)
def test_a_partition_that_does_not_fit_is_refused(write, lines, match):
    folder = write(partition="\n".join(lines))
    with pytest.raises(DataError, match=match) as caught:
        load(folder, partition=True)
    assert str(caught.value).startswith(str(folder / cards.PARTITION))


@pytest.mark.parametrize(
    ("name", "params"),
    [(cards.ARCHIVE, {}), (cards.ATTRIBUTES, {"attributes": True}), (cards.PARTITION, {"partition": True})],
)
def test_a_missing_file_must_be_fetched_by_hand(write, name, params):
    folder = write()
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name} is in none of {folder / 'celeba'}, .*get it from https://mmlab"):
        load(folder, **params)
