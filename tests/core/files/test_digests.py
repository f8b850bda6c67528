"""Checksums: of the content and nothing else, and noticed when it changes."""

import hashlib
import os

import pytest

from vaehub import checksum, visible_files
from vaehub.core.files import checksums
from vaehub.core.files.checksums import content_digest


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
