"""Archives and compressed files, read member by member and never extracted; names and sizes are checked first."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import IO

from vaehub.core.errors import DataError

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


def gunzip(compressed: bytes, title: str) -> bytes:
    """Return the decompressed content of a gzip file.

    Args:
        compressed: Content of a gzip file.
        title: Name of the content in messages.

    Raises:
        DataError: If it is truncated or damaged, or expands beyond the limit.
    """
    limit = _limit(len(compressed))
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
        raise _bomb(title, len(compressed), f"more than {limit / 1e6:.0f} MB")
    return b"".join(blocks)


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose members stay inside their folder and within the limit of expansion.

    Raises:
        DataError: If they do not, or the archive is damaged, now or while it is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            for info in infos:
                _check_name(path, info.filename)
                if info.compress_type not in BOUNDED:
                    raise NotImplementedError(f"{info.filename} is compressed by a method other than deflate")
            _check_size(path, sum(info.file_size for info in infos))
            yield archive
    except DAMAGED as error:
        raise _damaged(path, error) from error


def read_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of a zip or tar archive, in the archive's order.

    Args:
        path: The archive; a tar may be compressed.
        wanted: Selects files by name.

    Raises:
        DataError: If a name climbs out of the archive's folder, the contents expand beyond the limit, or the archive is
            damaged.
    """
    if zipfile.is_zipfile(path):
        with opened_zip(path) as archive:
            for info in archive.infolist():
                # Not ``is_dir``, which fails for an empty name.
                if not info.filename.endswith("/") and wanted(info.filename):
                    # Only the declared size, which was counted: the data may go on far beyond it.
                    with archive.open(info) as claimed:
                        yield info.filename, claimed.read(info.file_size)
        return
    total = 0
    try:
        with _uncompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                _check_name(path, member.name)
                if member.size < 0:
                    raise tarfile.ReadError(f"{member.name} has a negative size")
                total += member.size
                _check_size(path, total)
                # Links and devices refer to things outside; only regular files have content of their own.
                if member.isfile() and wanted(member.name):
                    content = archive.extractfile(member)
                    assert content is not None, "plain files have a content"
                    yield member.name, content.read()
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

    def __init__(self, stream: io.BufferedIOBase, path: Path) -> None:
        self._stream, self._path = stream, path
        self._left = _limit(path.stat().st_size)

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            n_bytes = self._path.stat().st_size
            raise _bomb(str(self._path), n_bytes, f"more than {_limit(n_bytes) / 1e6:.0f} MB")
        return block


@contextmanager
def _uncompressed(path: Path) -> Iterator[_Measured]:
    with path.open("rb") as stream:
        start = stream.read(5)
        stream.seek(0)
        opened = next((opened for magic, opened in _COMPRESSED.items() if start.startswith(magic)), None)
        if opened is None:
            yield _Measured(stream, path)
        else:
            with opened(stream) as content:
                yield _Measured(content, path)


def _check_name(path: Path, name: str) -> None:
    # Windows has both separators, and drives.
    pure = PureWindowsPath(name)
    if pure.anchor or ".." in pure.parts:
        raise DataError(f"{path} holds {name!r}, a path that climbs out of its folder; do not trust this archive")


def _check_size(path: Path, n_bytes: int) -> None:
    size = path.stat().st_size
    if n_bytes > _limit(size):
        raise _bomb(str(path), size, f"{n_bytes / 1e6:.0f} MB")


def _limit(n_bytes: int) -> int:
    return max(HARMLESS, n_bytes * MOST_EXPANSION)


def _bomb(title: str, n_bytes: int, to: str) -> DataError:
    return DataError(
        f"{title} expands to {to} from {n_bytes / 1e6:.2f} MB, over {MOST_EXPANSION} times its size, as no "
        "data do; if you trust it, unpack it yourself and name the folder"
    )


def _damaged(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path} cannot be read as an archive ({error}); delete the file, or replace it")
