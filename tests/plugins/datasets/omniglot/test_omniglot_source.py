"""Omniglot from archives of the official form, small ones made here and the two minimal ones themselves."""

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from vaehub import DataError
from vaehub.files import DataCard, DataFile
from vaehub.plugins.datasets.omniglot.cards import ARCHIVES, OMNIGLOT
from vaehub.plugins.datasets.omniglot.params import OmniglotParams
from vaehub.plugins.datasets.omniglot.source import Omniglot


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def png(ink) -> bytes:
    """A picture of 1 bit that is white but for some pixels, given as ``(row, column)``."""
    white = np.ones((105, 105), bool)
    for at in ink:
        white[at] = False
    stream = io.BytesIO()
    Image.fromarray(white).save(stream, "PNG")
    return stream.getvalue()


def names(stem, characters):
    """Paths in the archive, in an order that is not the sorted one, with what identifies each."""
    found = {}
    for number, (alphabet, character) in enumerate(reversed(characters), start=1):
        for drawer in range(20, 0, -1):
            name = f"{stem}/{alphabet}/character{character:02d}/{number:04d}_{drawer:02d}.png"
            found[name] = (alphabet, character, drawer)
    return found


def write(path, contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}/", b"")
        for name, content in contents.items():
            archive.writestr(name, content)


def card_of(folder) -> DataCard:
    """The card with the checksums of what is in a folder."""
    files = []
    for file in OMNIGLOT.files:
        path = folder / file.name
        found = hashlib.md5(path.read_bytes()).hexdigest() if path.exists() else "0" * 32
        files.append(DataFile(file.name, f"md5:{found}"))
    return replace(OMNIGLOT, files=tuple(files))


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A folder with both archives; the ink of a drawing says which character (row) and drawer (column) it is."""
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    sets = {
        "background": [("Greek", 1), ("Greek", 2), ("Zulu", 1)],
        "evaluation": [("Latin", 1), ("Aurek-Besh", 1)],
    }
    everything = sorted(each for characters in sets.values() for each in characters)
    for key, characters in sets.items():
        path = tmp_path / ARCHIVES[key]
        found = names(path.stem, characters)
        write(path, {name: png([(everything.index(of[:2]), of[2])]) for name, of in found.items()})
    monkeypatch.setattr(Omniglot, "card", card_of(tmp_path))
    return tmp_path


def load(folder, **params):
    return Omniglot(OmniglotParams(root=folder, **params)).load()


def test_every_drawing_has_its_character_and_its_drawer(made):
    data = load(made)
    assert data.spec.shape == (1, 105, 105)
    assert (len(data), data.spec.n_classes, data.spec.factor_sizes) == (100, 5, (5, 20))
    _, _, rows, columns = data.stored.nonzero(as_tuple=True)
    assert torch.equal(data.labels, rows)
    assert torch.equal(data.factors.classes, torch.stack([rows, columns - 1], dim=1))


def test_ink_is_one_and_paper_zero(made):
    data = load(made)
    assert torch.equal(data.stored.unique(), torch.tensor([0, 255], dtype=torch.uint8))
    assert (data.stored == 255).flatten(1).sum(1).tolist() == [1] * 100


def test_the_sets_are_the_official_parts_among_characters_in_sorted_order(made):
    data = load(made)
    # Aurek-Besh, Greek 1, Greek 2, Latin, Zulu
    assert torch.unique(data.split("train").labels).tolist() == [1, 2, 4]
    assert torch.unique(data.split("test").labels).tolist() == [0, 3]
    assert (len(data.split("train")), len(data.split("test"))) == (60, 40)


def test_one_set_alone_has_no_parts_and_counts_its_own_characters(made):
    data = load(made, alphabets="evaluation")
    assert dict(data.splits) == {}
    assert (len(data), data.spec.n_classes) == (40, 2)


def test_drawings_are_found_by_character_and_drawer(made):
    data = load(made)
    assert data.factors.is_grid
    rows = data.factors.lookup(torch.tensor([[3, 7], [0, 0]]))
    assert data.factors.classes[rows].tolist() == [[3, 7], [0, 0]]


def test_an_archive_without_some_drawings_is_no_grid_and_still_looked_up(made, monkeypatch):
    path = made / ARCHIVES["small1"]
    found = names(path.stem, [("Greek", 1), ("Greek", 2)])
    write(path, {name: png([(of[1], of[2])]) for name, of in found.items() if of != ("Greek", 1, 5)})
    monkeypatch.setattr(Omniglot, "card", card_of(made))
    data = load(made, alphabets="small1")
    assert len(data) == 39
    assert not data.factors.is_grid
    assert data.stored[data.factors.lookup(torch.tensor([[1, 4]]))].nonzero().tolist() == [[0, 0, 2, 5]]
    with pytest.raises(DataError, match="no observation of this data has character 0, drawer 4"):
        data.factors.lookup(torch.tensor([[0, 4]]))


def test_images_are_resized_as_asked(made):
    assert load(made, alphabets="evaluation", size=28).spec.shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("contents", "match"),
    [
        ({}, "holds no images in a folder 'images_background_small1/'"),
        ({"other/Greek/character01/0001_01.png": b""}, "holds no images"),
        ({"images_background_small1/Greek/0001_01.png": b""}, "should have names like"),
        (
            {"images_background_small1/Greek/character01/a.png": b""},
            "'images_background_small1/Greek/character01/a.png'",
        ),
        ({"images_background_small1/Greek/character01/0001_21.png": b""}, "drawers from 01 to 20"),
        ({"images_background_small1/Greek/character01/0001_01.png": b"x"}, "0001_01.png cannot be decoded"),
        ({"images_background_small1/../../0001_01.png": b""}, "climbs out of its folder"),
    ],
)
def test_an_archive_of_another_form_is_refused(made, monkeypatch, contents, match):
    write(made / ARCHIVES["small1"], contents)
    monkeypatch.setattr(Omniglot, "card", card_of(made))
    with pytest.raises(DataError, match=match) as caught:
        load(made, alphabets="small1")
    assert ARCHIVES["small1"] in str(caught.value)


def test_a_picture_of_another_size_is_refused(made, monkeypatch):
    stream = io.BytesIO()
    Image.new("1", (28, 30)).save(stream, "PNG")
    write(made / ARCHIVES["small1"], {"images_background_small1/Greek/character01/0001_01.png": stream.getvalue()})
    monkeypatch.setattr(Omniglot, "card", card_of(made))
    with pytest.raises(DataError, match="0001_01.png has 28x30 pixels, and should have 105x105"):
        load(made, alphabets="small1")


def test_a_truncated_archive_is_refused(made, monkeypatch):
    path = made / ARCHIVES["evaluation"]
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="is not the published file: its checksum is md5:"):
        load(made, alphabets="evaluation")
    monkeypatch.setattr(Omniglot, "card", card_of(made))
    with pytest.raises(DataError, match=f"{ARCHIVES['evaluation']} cannot be read as an archive"):
        load(made, alphabets="evaluation")


def test_a_missing_archive_names_the_places_and_the_address(tmp_path, monkeypatch):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    unreachable = "http://127.0.0.1:9/images_background.zip"
    card = replace(OMNIGLOT, files=(DataFile("images_background.zip", "md5:" + "0" * 32, unreachable),))
    monkeypatch.setattr(Omniglot, "card", card)
    with pytest.raises(DataError, match=f"{tmp_path / 'omniglot'}, .*{unreachable}"):
        load(tmp_path, alphabets="background")


# The real files

SIZES = {"small1": (2720, 136), "small2": (3120, 156)}


@pytest.mark.parametrize("alphabets", SIZES)
def test_the_minimal_sets_have_the_published_sizes(real_data, alphabets):
    n, n_characters = SIZES[alphabets]
    data = load(real_data, alphabets=alphabets)
    assert (len(data), data.spec.n_classes, data.spec.factor_sizes) == (n, n_characters, (n_characters, 20))
    assert data.factors.is_grid
    assert torch.bincount(data.labels).tolist() == [20] * n_characters


@pytest.mark.parametrize("alphabets", SIZES)
def test_a_drawing_is_the_one_in_the_file_with_ink_and_paper_exchanged(real_data, alphabets):
    path = real_data / "omniglot" / ARCHIVES[alphabets]
    with zipfile.ZipFile(path) as archive:
        pictures = [name for name in archive.namelist() if name.endswith(".png")]
        characters = sorted({name.rpartition("/")[0] for name in pictures})
        name = next(name for name in pictures if "/Greek/character05/" in name and name.endswith("_07.png"))
        expected = ~np.asarray(Image.open(io.BytesIO(archive.read(name))))
    data = load(real_data, alphabets=alphabets)
    at = torch.tensor([[characters.index(name.rpartition("/")[0]), 6]])
    assert np.array_equal(data.stored[data.factors.lookup(at)][0, 0].numpy(), expected * 255)


def test_the_mean_is_the_share_of_ink(real_data):
    # Counted with Pillow and the standard library alone: strokes are a few pixels wide.
    path = real_data / "omniglot" / ARCHIVES["small1"]
    with zipfile.ZipFile(path) as archive:
        pictures = [archive.read(name) for name in archive.namelist() if name.endswith(".png")]
    black = sum(Image.open(io.BytesIO(each)).histogram()[0] for each in pictures)
    mean = float(load(real_data, alphabets="small1").x.mean())
    assert mean == pytest.approx(black / (2720 * 105 * 105), rel=1e-6)
    assert 0.05 < mean < 0.1
