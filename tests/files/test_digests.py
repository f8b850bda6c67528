"""Checksums: of the content and nothing else, and noticed when it changes."""

import hashlib
import os

import pytest

from vaehub.files import checksum, checksums, visible_files
from vaehub.files.checksums import content_digest


def test_a_checksum_is_that_of_hashlib(tmp_path, cache):
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert checksum(tmp_path / "a", "sha256") == f"sha256:{hashlib.sha256(b'abc' * 1000).hexdigest()}"


def test_that_of_a_large_file_is_remembered_until_the_file_changes(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(checksums, "REMEMBERED", 10)
    path, hashed = tmp_path / "a", []
    original = checksums._hashed
    monkeypatch.setattr(checksums, "_hashed", lambda *given: hashed.append(1) or original(*given))
    path.write_bytes(b"x" * 100)
    first = checksum(path, "md5")
    assert checksum(path, "md5") == first
    assert len(hashed) == 1
    path.write_bytes(b"y" * 100)
    os.utime(path, ns=(0, 12345))
    assert checksum(path, "md5") != first
    assert len(hashed) == 2


@pytest.mark.parametrize(("content", "time"), [(b"y" * 101, 1), (b"y" * 100, 2)], ids=["another size", "another time"])
def test_size_or_time_alone_show_a_change(tmp_path, cache, monkeypatch, content, time):
    monkeypatch.setattr(checksums, "REMEMBERED", 10)
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    os.utime(path, ns=(1, 1))
    before = checksum(path, "md5")
    path.write_bytes(content)
    os.utime(path, ns=(time, time))
    assert checksum(path, "md5") == f"md5:{hashlib.md5(content).hexdigest()}" != before


def test_each_algorithm_is_remembered_for_itself(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(checksums, "REMEMBERED", 10)
    (tmp_path / "a").write_bytes(b"x" * 100)
    found = [checksum(tmp_path / "a", algorithm) for algorithm in ("md5", "sha256", "md5")]
    assert found[0] == found[2]
    assert found[1] == f"sha256:{hashlib.sha256(b'x' * 100).hexdigest()}"


def test_a_damaged_note_is_made_anew(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(checksums, "REMEMBERED", 10)
    (tmp_path / "a").write_bytes(b"x" * 100)
    before = checksum(tmp_path / "a", "md5")
    (note,) = (cache / "checksums").iterdir()
    note.write_text(note.read_text()[:9])
    assert checksum(tmp_path / "a", "md5") == before
    assert before in note.read_text()


def test_without_a_place_to_remember_it_is_computed_again(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(checksums, "REMEMBERED", 10)
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert checksum(tmp_path / "a", "md5") == checksum(tmp_path / "a", "md5")


@pytest.fixture
def folder(tmp_path):
    for name, content in (("a/1.png", b"1"), ("a/2.png", b"2"), ("b/1.png", b"1")):
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    return tmp_path / "folder"


def test_a_folder_is_its_names_and_contents_wherever_it_is(folder, cache):
    before = content_digest(folder)
    (folder / ".hidden").write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "1.png").write_bytes(b"x")
    assert content_digest(folder) == before
    assert content_digest(folder.rename(folder.with_name("elsewhere"))) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a" / "1.png").write_bytes(b"3"),
        lambda folder: (folder / "a" / "1.png").rename(folder / "a" / "3.png"),
        lambda folder: (folder / "a" / "1.png").unlink(),
        lambda folder: (folder / "c.png").write_bytes(b""),
        lambda folder: (folder / "a" / "1.png").rename(folder / "b" / "3.png"),
    ],
)
def test_any_change_in_a_folder_is_noticed(folder, cache, change):
    before = content_digest(folder)
    change(folder)
    assert content_digest(folder) != before


def test_a_file_is_its_content_whatever_it_is_called(tmp_path, cache):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    (tmp_path / "c").write_bytes(b"y")
    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b") != content_digest(tmp_path / "c")


def test_visible_files_are_sorted(folder):
    assert [path.relative_to(folder).as_posix() for path in visible_files(folder)] == ["a/1.png", "a/2.png", "b/1.png"]


def test_a_folder_is_not_taken_for_the_folder_around_it(tmp_path, cache):
    """Both have the same files, by other names."""
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "1.png").write_bytes(b"1")
    assert content_digest(tmp_path / "outer") != content_digest(tmp_path / "outer" / "inner")


def test_a_link_by_another_name_is_noticed(tmp_path, cache):
    (tmp_path / "1.png").write_bytes(b"1")
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "a.png"
    link.symlink_to(tmp_path / "1.png")
    before = content_digest(tmp_path / "links")
    link.rename(link.with_name("b.png"))
    assert content_digest(tmp_path / "links") != before


def test_when_and_in_what_order_files_were_written_does_not_count(folder, tmp_path, cache):
    again = tmp_path / "again"
    for file in reversed(visible_files(folder)):
        path = again / file.relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
        os.utime(path, ns=(1, 1))
    assert content_digest(again) == content_digest(folder)
