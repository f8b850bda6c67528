"""What images declare is looked at before they are decoded."""

import struct
import zipfile
import zlib

import pytest
from image_folders import RNG, load, tree, zipped
from PIL import Image

from vaehub import DataError


def large(path, side=2000):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side)).save(path)
    return path.parent


@pytest.mark.parametrize("size", [None, 8])
def test_an_image_that_takes_more_than_it_may_is_refused_before_it_is_decoded(tmp_path, size):
    folder = large(tmp_path / "x" / "0.png")
    with pytest.raises(
        DataError, match=r"x/0.png take 4,000,000 bytes, above 1,000,000 \('data.max_bytes'\); allow"
    ) as it:
        load(folder, max_bytes=1_000_000, size=size, on_broken="skip")
    assert "'-s data.max_bytes=4000000'" in str(it.value)
    assert len(load(folder, max_bytes=4_000_000, size=8)) == 1


def test_images_that_together_take_more_than_they_may_are_refused(tmp_path):
    folder = tree(tmp_path / "x", "0.png", "1.png", "2.png")
    with pytest.raises(
        DataError, match=r"the 3 images in .*x take 108 bytes, above 100 .* '-s data.size=64', or allow"
    ):
        load(folder, max_bytes=100)
    assert len(load(folder, max_bytes=108)) == 3


def test_without_a_bound_it_is_a_share_of_the_memory_at_hand(tmp_path, monkeypatch):
    monkeypatch.setattr("vaehub.files.bounds.memory_at_hand", lambda: 200)
    folder = tree(tmp_path / "x", "0.png", "1.png", "2.png")
    with pytest.raises(DataError, match=r"take 108 bytes, above 100 \(half of the memory at hand\)"):
        load(folder)


def test_pages_that_a_file_only_claims_are_counted_before_they_are_read(tmp_path):
    frames = [Image.new("L", (6, 6), at) for at in (1, 2)]
    (tmp_path / "x").mkdir()
    frames[0].save(tmp_path / "x" / "0.png", save_all=True, append_images=frames[1:])
    content = (tmp_path / "x" / "0.png").read_bytes()
    at = content.index(b"acTL")
    claim = b"acTL" + struct.pack(">2I", 2**31 - 1, 0)
    claim += struct.pack(">I", zlib.crc32(claim))
    (tmp_path / "x" / "0.png").write_bytes(content[:at] + claim + content[at + len(claim) :])
    with pytest.raises(DataError, match=r"x/0.png take 77,309,411,292 bytes|cannot be decoded"):
        load(tmp_path / "x", pages="all", max_bytes=10**9)


def test_members_and_expansion_of_an_archive_are_bounded_by_size(tmp_path):
    path = zipped(tmp_path / "x.zip", [("0.png", bytes(1000))])
    with pytest.raises(DataError, match=r"the contents of .*x.zip/0.png take 1,000 bytes, above 100"):
        load(path, max_bytes=100)
    with zipfile.ZipFile(tmp_path / "y.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("noise.bin", RNG.bytes(1 << 18))
        archive.writestr("0.bin", bytes(70 << 20))
    with pytest.raises(DataError, match=r"y.zip expands to 74 MB .*, by more than 1,000 bytes \('data.max_bytes'\)"):
        load(tmp_path / "y.zip", max_bytes=1000)
