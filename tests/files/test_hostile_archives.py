"""Archives are read without trust: nothing is written, nothing expands beyond measure."""

import gzip
import io
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehub import DataError
from vaehub.files import gunzip, member_names, read_members


def everything(path):
    return dict(read_members(path, lambda name: True))


def zipped(path, contents, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def tarred(path, contents):
    with tarfile.open(path, f"w:{path.suffix[1:] if path.suffix in ('.gz', '.bz2', '.xz') else ''}") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


CONTENTS = {"a/1.txt": b"one", "a/2.txt": b"two" * 1000, "b.txt": b""}
KINDS = [(zipped, "x.zip"), (tarred, "x.tar"), (tarred, "x.tar.gz"), (tarred, "x.tar.xz")]


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_what_is_wanted_comes_out_as_it_went_in(tmp_path, make, name):
    path = make(tmp_path / name, CONTENTS)
    assert everything(path) == CONTENTS
    assert dict(read_members(path, lambda name: name.endswith("2.txt"))) == {"a/2.txt": CONTENTS["a/2.txt"]}
    assert member_names(path) == list(CONTENTS)


@pytest.mark.parametrize("evil", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt"])
@pytest.mark.parametrize(("make", "name"), KINDS[:2])
def test_a_path_that_climbs_out_is_refused_even_if_nobody_wants_it(tmp_path, make, name, evil):
    (tmp_path / "below").mkdir()
    path = make(tmp_path / "below" / name, {"a.txt": b"1", evil: b"2"})
    with pytest.raises(DataError, match=r"a path that climbs out of its folder; do not trust this archive") as caught:
        dict(read_members(path, lambda name: name == "never"))
    assert str(path) in str(caught.value)
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_tar_are_passed_over(tmp_path):
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo(f"link{kind!r}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert everything(path) == {}


@pytest.mark.parametrize(("make", "name"), [KINDS[0], KINDS[2]])
def test_an_archive_that_expands_beyond_measure_is_refused_before_it_is_read(tmp_path, make, name):
    path = make(tmp_path / name, {"zeros.bin": bytes(100 << 20)})
    with pytest.raises(DataError, match=rf"{name} expands to 105 MB from 0.\d+ MB, over 500 times its size") as caught:
        everything(path)
    assert "if you trust it, unpack it yourself" in str(caught.value)


def test_many_members_that_share_their_bytes_count_together(tmp_path):
    """A bomb without nesting: many entries of the directory point at one compressed member."""
    path = zipped(tmp_path / "one.zip", {"a.bin": bytes(3 << 20)})
    content = path.read_bytes()
    start = struct.unpack("<I", content[-6:-2])[0]
    entry = content[start:-22]
    n = 60
    entries = b"".join(entry[:46] + b"%05d" % at + entry[51:] for at in range(n))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, n, n, len(entries), start, 0)
    path.write_bytes(content[:start] + entries + end)
    with pytest.raises(DataError, match="expands to 189 MB"):
        everything(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"not an archive of any kind",
        lambda content: b"",
        lambda content: content[:40] + b"\xff" * 20 + content[60:],
    ],
)
@pytest.mark.parametrize(("make", "name"), KINDS[:1] + KINDS[2:3])
def test_a_damaged_archive_is_named(tmp_path, make, name, damage):
    path = make(tmp_path / name, {"a.txt": bytes(range(256)) * 50})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"{name} cannot be read as an archive .*; delete the file, or replace it"):
        everything(path)


@given(st.binary(max_size=3000))
def test_gunzip_undoes_gzip(content):
    assert gunzip(gzip.compress(content), "x") == content


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-5], lambda c: c[:8], lambda c: b"no gzip", lambda c: c[:-8] + b"\0" * 8]
)
def test_a_damaged_stream_is_named(damage):
    with pytest.raises(DataError, match=r"some.gz cannot be read \(.*\); delete the file, or replace it"):
        gunzip(damage(gzip.compress(bytes(range(256)) * 20)), "some.gz")


def test_a_stream_that_expands_beyond_measure_is_refused():
    with pytest.raises(DataError, match=r"some.gz expands to more than 67 MB from 0.\d+ MB"):
        gunzip(gzip.compress(bytes(100 << 20)), "some.gz")


def test_a_member_that_holds_more_than_it_claims_gives_what_it_claims(tmp_path):
    path = zipped(tmp_path / "lies.zip", {"a.bin": bytes(1 << 20)})
    content = bytearray(path.read_bytes())
    # The uncompressed size stands in the local header and once more in the directory.
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(signature)
        content[start + at : start + at + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    try:
        assert everything(path) == {"a.bin": bytes(10)}
    except DataError as error:
        assert "lies.zip cannot be read as an archive" in str(error)  # noqa: PT017 either is safe


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_stopped_are_refused(tmp_path, method):
    path = zipped(tmp_path / "x.zip", {"a.txt": b"1" * 1000}, method)
    with pytest.raises(DataError, match="a.txt is compressed by a method other than deflate"):
        everything(path)


def test_a_tar_whose_headers_expand_beyond_measure_is_refused(tmp_path):
    path = tmp_path / "headers.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.txt")
        info.pax_headers = {"comment": "x" * (80 << 20)}
        archive.addfile(info)
    with pytest.raises(DataError, match=r"headers.tar.gz expands to more than 67 MB from 0.\d+ MB"):
        everything(path)
