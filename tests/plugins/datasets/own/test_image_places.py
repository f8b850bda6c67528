"""Links and archives: an image is found under any spelling of its path, once."""

import io
import os
import socket
import tarfile
import zipfile

import pytest
import torch
from image_folders import load, params, png, tarred, tree, zipped

from vaehub import VaehubError
from vaehub.files import listed, read_members
from vaehub.registry.catalog import Catalog

CLASSES = ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]


# Links


def test_linked_folders_are_read_as_if_they_were_there(tmp_path):
    tree(tmp_path / "there", *CLASSES)
    folder = tree(tmp_path / "x", "cat/0.png")
    os.symlink(tmp_path / "there" / "dog", folder / "dog")
    data = load(folder)
    assert data.labels.tolist() == [0, 1, 1]
    assert data.class_names == ("cat", "dog")
    os.symlink(tmp_path / "there", tmp_path / "linked")
    assert load(tmp_path / "linked").labels.tolist() == [0, 0, 1, 1]


def test_linked_folders_belong_to_the_identity(tmp_path):
    tree(tmp_path / "there", "dog/0.png")
    folder = tree(tmp_path / "x", "cat/0.png")
    os.symlink(tmp_path / "there" / "dog", folder / "dog")
    before = params(folder).content
    tree(tmp_path / "there", "dog/0.png")
    assert params(folder).content != before


def test_a_linked_folder_has_the_identity_of_a_copy(tmp_path):
    content = png()
    for name in ("there", "copy"):
        tree(tmp_path / name, "cat/0.png", "dog/0.png", make=lambda: content)
    folder = tree(tmp_path / "x", "cat/0.png", make=lambda: content)
    os.symlink(tmp_path / "there" / "dog", folder / "dog")
    assert params(folder).content == params(tmp_path / "copy").content


@pytest.mark.parametrize("place", [".", "..", "cat", "dog"])
def test_loops_end_and_count_nothing_twice(tmp_path, place):
    folder = tree(tmp_path / "x", "cat/0.png", "dog/0.png")
    os.symlink(os.path.relpath(folder / place, folder / "dog"), folder / "dog" / "again")
    data = load(folder)
    assert data.labels.tolist() == [0, 1]
    assert any("left out: 1 links to folders that are read already" in note for note in data.notes)


def test_folders_that_are_linked_to_each_other_are_read_once(tmp_path):
    folder = tree(tmp_path / "x", "cat/0.png", "dog/0.png")
    os.symlink("../dog", folder / "cat" / "other")
    os.symlink("../cat", folder / "dog" / "other")
    assert load(folder).labels.tolist() == [0, 1]
    away = tree(tmp_path / "away", "bird/0.png")
    os.symlink(away / "bird", folder / "bird")
    os.symlink(folder, away / "bird" / "back")
    assert load(folder).class_names == ("bird", "cat", "dog")


def test_linked_files_are_files(tmp_path):
    folder, there = tree(tmp_path / "x", "a/0.png"), tree(tmp_path / "there", "1.png")
    os.symlink(there / "1.png", folder / "a" / "1.png")
    assert len(load(folder)) == 2


def test_what_is_no_regular_file_is_never_opened(tmp_path):
    folder = tree(tmp_path / "x", "0.png")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s.png"))
        data = load(folder)
    assert len(data) == 1
    assert any("left out: 2 pipes, sockets or devices" in note for note in data.notes)
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(VaehubError, match=r"pipe.zip', which 'path' names, is neither a file nor a folder"):
        params(tmp_path / "pipe.zip")


def test_what_is_left_out_is_counted(tmp_path):
    folder = tree(tmp_path / "x", "a/0.png", "a/1.heic", "a/2.HEIC", "b/0.png", "notes.txt", ".DS_Store", ".git/x.png")
    [ending, hidden] = load(folder).notes
    assert "left out: 3 files that are no images by their ending (2 of .heic, 1 of .txt)" in ending
    assert "left out: 2 hidden files or folders" in hidden
    archive = zipped(tmp_path / "x.zip", [(name, png()) for name in ("x/a.png", "x/b.heic", "__MACOSX/x/._a.png")])
    assert [note.split(" (")[0] for note in load(archive).notes] == [
        "left out: 1 files that are no images by their ending",
        "left out: 1 hidden files or folders",
    ]


def test_a_folder_lists_what_it_holds_in_order(tmp_path):
    folder = tree(tmp_path / "x", "b.png", "a/c.png", "a.png", "__pycache__/d.png")
    found = listed(folder)
    assert [path.relative_to(folder).as_posix() for path in found.files] == ["a/c.png", "a.png", "b.png"]
    assert [path.name for path in found.hidden] == ["__pycache__"]


# Archives

SPELLINGS = {
    "plain": "images/{}",
    "here": "./{}",
    "here below": "./images/{}",
    "doubled": "images//{}",
    "here doubled": ".//images/./{}",
    "backslashes": "images\\{}",
    "none": "{}",
}


def spelled(how, name):
    return how.format(name.replace("/", "\\") if "\\" in how else name)


@pytest.mark.parametrize("how", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("make", [tarred, zipped])
@pytest.mark.parametrize("split", [False, True])
def test_an_archive_is_read_as_the_folder_it_was_made_of(tmp_path, how, make, split):
    names = [f"{part}/{name}" for part in ("test", "train") for name in CLASSES] if split else CLASSES
    folder = tree(tmp_path / "images", *names)
    contents = [(spelled(how, name), (folder / name).read_bytes()) for name in sorted(names)]
    ending = {tarred: "tar", zipped: "zip"}[make]
    data, plain = load(make(tmp_path / f"x.{ending}", contents)), load(folder)
    assert torch.equal(data.x, plain.x)
    assert data.labels.tolist() == plain.labels.tolist() == [0, 0, 1, 1] * (2 if split else 1)
    assert data.class_names == ("cat", "dog")
    assert {name: rows.tolist() for name, rows in data.splits.items()} == {
        name: rows.tolist() for name, rows in plain.splits.items()
    }
    assert sorted(data.splits) == (["test", "train"] if split else [])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_compressed_archives_are_opened_by_their_ending(tmp_path, kind):
    path = tarred(tmp_path / f"x.tar.{kind}", [(f"./x/{name}", png()) for name in CLASSES], f"w:{kind}")
    assert Catalog().opening(path).entry.name == "images"
    assert load(path).labels.tolist() == [0, 0, 1, 1]


def test_folders_in_an_archive_are_no_files(tmp_path):
    path = zipped(tmp_path / "x.zip", [("images\\", b""), ("images\\cat\\", b""), ("images/cat/0.png", png())])
    assert [name for name, _ in read_members(path, lambda name: True)] == ["images/cat/0.png"]


def test_links_in_an_archive_are_counted(tmp_path):
    content = png()
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in ("a/0.png", "b/0.png"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind in (("a/1.png", tarfile.SYMTYPE), ("b/1.png", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a/0.png"
            archive.addfile(link)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a/0.png", content)
        link = zipfile.ZipInfo("a/1.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "0.png")
    assert any("left out: 2 links in the archive, such as a/1.png" in note for note in load(tmp_path / "x.tar").notes)
    assert any("left out: 1 links in the archive" in note for note in load(tmp_path / "x.zip").notes)


# Splits


def test_splits_one_folder_further_down_are_named(tmp_path):
    folder = tree(tmp_path / "x", *[f"pets/{part}/{name}" for part in ("train", "val") for name in CLASSES])
    [note] = load(folder).notes
    assert "all images lie in the folder pets, which is their class; its folders train, val are splits if" in note


def test_folders_of_splits_beside_others_are_classes_with_a_word(tmp_path):
    [note] = load(tree(tmp_path / "x", "train/0.png", "test/0.png", "more/0.png")).notes
    assert "the folders test, train are classes and no splits, because more is beside them" in note
