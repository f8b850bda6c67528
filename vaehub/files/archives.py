"""Archives and compressed files, read member by member and never extracted; names and sizes are checked first."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import IO

from vaehub.core.errors import DataError
from vaehub.files.bounds import Bound, TooLarge
from vaehub.files.regular import check_regular

MOST_EXPANSION = 500
"""Greatest expansion of an archive, relative to its size. dSprites, which is mostly black, expands 115 times; deflate
cannot exceed 1032 times."""
BLOCK = 1 << 20
HARMLESS = 64 << 20
"""Bytes to which any archive may expand, whatever its size."""

DAMAGED = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, struct.error, UnicodeDecodeError),
    *(zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError),
)
"""Exceptions from reading a damaged archive; the last two mean unknown methods and passwords."""

BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Zip methods whose output can be limited to a number of bytes; the others decompress their whole input at once."""
_COMPRESSED: dict[bytes, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""First bytes of a compressed tar, and the function that opens it."""


def gunzip(compressed: bytes, title: str, bound: Bound | None = None) -> bytes:
    """Return the decompressed content of a gzip file.

    Args:
        compressed: Content of a gzip file.
        title: Name of the content in messages.
        bound: Bytes by which the content may be larger; ``None`` limits it by the size of the file alone.

    Raises:
        DataError: If it is truncated or damaged, or expands beyond the limit.
    """
    limit = _limit(len(compressed), bound)
    try:
        with gzip.open(io.BytesIO(compressed)) as stream:
            # In blocks, because a single read would allocate as much as it is allowed to.
            blocks, n = [], 0
            while n <= limit and (block := stream.read(BLOCK)):
                blocks.append(block)
                n += len(block)
    except DAMAGED as error:
        raise DataError(f"{title} cannot be read ({error}); delete the file, or replace it") from error
    if n > limit:
        raise _bomb(title, len(compressed), f"more than {limit / 1e6:.0f} MB", bound)
    return b"".join(blocks)


@contextmanager
def opened_zip(path: Path, bound: Bound | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose members stay inside their folder and within the limit of expansion.

    Args:
        path: The archive.
        bound: Bytes by which the contents may be larger than the archive; ``None`` limits them by its size alone.

    Raises:
        DataError: If they do not, or the archive is damaged, now or while it is read.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            for info in infos:
                _check_name(path, info.filename)
                if info.compress_type not in BOUNDED:
                    raise NotImplementedError(f"{info.filename} is compressed by a method other than deflate")
            _check_size(path, sum(info.file_size for info in infos), bound)
            yield archive
    except DAMAGED as error:
        raise _damaged(path, error) from error


def read_members(
    path: Path, wanted: Callable[[str], bool], *, bound: Bound | None = None, passed: list[str] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of a zip or tar archive, in the archive's order.

    Names are written in one way, whatever the archive does: with ``/`` between folders, and no ``.`` or empty part.

    Args:
        path: The archive; a tar may be compressed.
        wanted: Selects files by name.
        bound: Bytes that a member may have, and by which the contents may be larger than the archive; ``None`` limits
            them by the archive's size alone.
        passed: Filled with the names of links and devices, which are never read.

    Raises:
        DataError: If a name climbs out of the archive's folder, the contents expand beyond the limit, or the archive is
            damaged.
    """
    check_regular(path)
    others = [] if passed is None else passed
    members = _of_zip if zipfile.is_zipfile(path) else _of_tar
    return members(path, wanted, bound, others)


def _of_zip(
    path: Path, wanted: Callable[[str], bool], bound: Bound | None, others: list[str]
) -> Iterator[tuple[str, bytes]]:
    with opened_zip(path, bound) as archive:
        for info in archive.infolist():
            name = _plain(info.filename)
            # Not ``is_dir``, which fails for an empty name; systems with the other separator end folders by that.
            if info.filename.endswith(("/", "\\")):
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                others.append(name)
            elif wanted(name):
                _check_member(path, name, info.file_size, bound)
                # Only the declared size, which was counted: the data may go on far beyond it.
                with archive.open(info) as claimed:
                    yield name, claimed.read(info.file_size)


def _of_tar(
    path: Path, wanted: Callable[[str], bool], bound: Bound | None, others: list[str]
) -> Iterator[tuple[str, bytes]]:
    total = 0
    try:
        with _uncompressed(path, bound) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                _check_name(path, member.name)
                if member.size < 0:
                    raise tarfile.ReadError(f"{member.name} has a negative size")
                total += member.size
                _check_size(path, total, bound)
                name = _plain(member.name)
                # Links and devices refer to things outside; only regular files have content of their own.
                if member.isfile() and wanted(name):
                    _check_member(path, name, member.size, bound)
                    content = archive.extractfile(member)
                    assert content is not None, "plain files have a content"
                    yield name, content.read()
                elif not member.isfile() and not member.isdir():
                    others.append(name)
    # Headers hold numbers as text, of any magnitude.
    except (*DAMAGED, ValueError, OverflowError) as error:
        raise _damaged(path, error) from error


def member_names(path: Path) -> list[str]:
    """Return the names of the files in a zip or tar archive, in the archive's order, without reading the files.

    Raises:
        DataError: As :func:`read_members`.
    """
    found: list[str] = []

    def note(name: str) -> bool:
        found.append(name)
        return False

    for _ in read_members(path, note):
        pass
    return found


class _Measured(io.RawIOBase):
    """A stream that raises if it expands beyond the limit: tar headers can be bombs, too."""

    def __init__(self, stream: io.BufferedIOBase, path: Path, bound: Bound | None) -> None:
        self._stream, self._path, self._bound = stream, path, bound
        self._left = _limit(path.stat().st_size, bound)

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            n_bytes = self._path.stat().st_size
            limit = _limit(n_bytes, self._bound)
            raise _bomb(str(self._path), n_bytes, f"more than {limit / 1e6:.0f} MB", self._bound)
        return block


@contextmanager
def _uncompressed(path: Path, bound: Bound | None) -> Iterator[_Measured]:
    with path.open("rb") as stream:
        start = stream.read(5)
        stream.seek(0)
        opened = next((opened for magic, opened in _COMPRESSED.items() if start.startswith(magic)), None)
        if opened is None:
            yield _Measured(stream, path, bound)
        else:
            with opened(stream) as content:
                yield _Measured(content, path, bound)


def _check_name(path: Path, name: str) -> None:
    # Windows has both separators, and drives.
    pure = PureWindowsPath(name)
    if pure.anchor or ".." in pure.parts:
        raise DataError(f"{path} holds {name!r}, a path that climbs out of its folder; do not trust this archive")


def _plain(name: str) -> str:
    """Return a name as a path in one way of writing; both separators count, whatever system wrote the archive."""
    return "/".join(PureWindowsPath(name).parts)


def _check_member(path: Path, name: str, n_bytes: int, bound: Bound | None) -> None:
    if bound is not None:
        bound.check(n_bytes, f"the contents of {path}/{name}")


def _check_size(path: Path, n_bytes: int, bound: Bound | None) -> None:
    size = path.stat().st_size
    if n_bytes > _limit(size, bound):
        raise _bomb(str(path), size, f"{n_bytes / 1e6:.0f} MB", bound)


def _limit(n_bytes: int, bound: Bound | None = None) -> int:
    relative = max(HARMLESS, n_bytes * MOST_EXPANSION)
    return relative if bound is None else min(relative, max(HARMLESS, n_bytes + bound.n_bytes))


def _bomb(title: str, n_bytes: int, to: str, bound: Bound | None = None) -> DataError:
    if _limit(n_bytes, bound) < _limit(n_bytes):
        assert bound is not None, "it is the bound that is lower"
        return TooLarge(
            f"{title} expands to {to} from {n_bytes / 1e6:.2f} MB, by more than {bound.n_bytes:,} bytes "
            f"({bound.origin}); if you trust it, allow more with '-s data.max_bytes=NUMBER'"
        )
    return DataError(
        f"{title} expands to {to} from {n_bytes / 1e6:.2f} MB, over {MOST_EXPANSION} times its size, as no "
        "data do; if you trust it, unpack it yourself and name the folder"
    )


def _damaged(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path} cannot be read as an archive ({error}); delete the file, or replace it")
