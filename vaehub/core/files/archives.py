"""Archives and compressed files, read member by member and never extracted; what they claim is checked beforehand."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vaehub.core.errors import DataError

MOST_EXPANSION = 500
"""Times its size that an archive may expand to. dSprites, which is black for the most part, expands 115 times; deflate
cannot do more than 1032 times."""
BLOCK = 1 << 20
HARMLESS = 64 << 20
"""Bytes that any archive may expand to."""

DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)
"""What reading a damaged archive can raise; the last two stand for unknown methods and for passwords."""


def gunzip(compressed: bytes, title: str) -> bytes:
    """Return what gzip has compressed.

    Args:
        compressed: Content of a gzip file.
        title: What it is, for messages.

    Raises:
        DataError: If it is truncated, damaged, or expands beyond measure.
    """
    limit = _limit(len(compressed))
    try:
        with gzip.open(io.BytesIO(compressed)) as stream:
            # In blocks, for a single read would set aside as much as it is allowed to.
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
    """Open a zip archive whose members keep within their folder and within measure.

    Raises:
        DataError: If they do not, or the archive is damaged, now or while it is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            for info in infos:
                _check_name(path, info.filename)
            _check_size(path, sum(info.file_size for info in infos))
            yield archive
    except DAMAGED as error:
        raise _damaged(path, error) from error


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of a zip or tar archive, in the archive's order.

    Args:
        path: The archive; a tar may be compressed.
        wanted: Says by its name whether a file is.

    Raises:
        DataError: If a name climbs out of the archive's folder, the contents expand beyond measure, or the archive is
            damaged.
    """
    if zipfile.is_zipfile(path):
        with opened_zip(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and wanted(info.filename):
                    yield info.filename, archive.read(info)
        return
    total = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                _check_name(path, member.name)
                total += member.size
                _check_size(path, total)
                # Links and devices name things outside; only plain files have a content of their own.
                if member.isfile() and wanted(member.name):
                    stream = archive.extractfile(member)
                    assert stream is not None, "plain files have a content"
                    yield member.name, stream.read()
    except DAMAGED as error:
        raise _damaged(path, error) from error


def member_names(path: Path) -> list[str]:
    """Return the names of the files in a zip or tar archive, in its order, without reading them.

    Raises:
        DataError: As :func:`members`.
    """
    found: list[str] = []

    def note(name: str) -> bool:
        found.append(name)
        return False

    for _ in members(path, note):
        pass
    return found


def _check_name(path: Path, name: str) -> None:
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0:1]:
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
