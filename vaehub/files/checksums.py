"""Checksums of files, cached until a file changes."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from vaehub.core.errors import DataError
from vaehub.core.progress import task
from vaehub.files.card import DataFile
from vaehub.files.folders import visible_files
from vaehub.files.locations import cache_folder
from vaehub.files.regular import check_regular

BLOCK = 1 << 20
REMEMBERED = 32 << 20
"""Least size in bytes of a file whose checksum is cached: smaller files are hashed faster than a cache is read."""


def checksum(path: Path, algorithm: str) -> str:
    """Return the checksum of a file, such as ``md5:7da3…``.

    For a large file it is cached together with the file's size and time of change.

    Raises:
        DataError: If it is no regular file.
    """
    check_regular(path)
    if path.stat().st_size < REMEMBERED:
        return _hashed(path, algorithm)
    return remembered(path, [_state(path), algorithm], lambda: _hashed(path, algorithm))


def check(path: Path, file: DataFile) -> None:
    """Check that a file is the published one.

    Raises:
        DataError: If it is not; the message names both checksums.
    """
    if file.checksum is None:
        return
    found = checksum(path, file.checksum.partition(":")[0])
    if found != file.checksum:
        raise DataError(
            f"{path} is not the published file: its checksum is {found}, and should be {file.checksum}; "
            "delete the file, or replace it"
        )


def content_digest(path: Path) -> str:
    """Return a digest of the content of a file, or of the names and contents of the files in a folder.

    Hidden files are left out, and linked folders followed. The digest of a large file or a folder is cached until
    something in it changes.
    """
    if path.is_file():
        return digest_of([checksum(path, "blake2b").encode()])
    files = visible_files(path)

    def found() -> str:
        with task(f"checking {path.name}", len(files)) as advance:
            parts = []
            for file in files:
                parts += [file.relative_to(path).as_posix().encode(), checksum(file, "blake2b").encode()]
                advance(1)
        return digest_of(parts)

    # Names included, because a folder has the same files as a folder around it, and links can be renamed.
    return remembered(path, [f"{file.relative_to(path).as_posix()} {_state(file)}" for file in files], found)


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a digest of some bytes in order, as 24 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _state(path: Path) -> str:
    stat = path.stat()
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"


def remembered(path: Path, state: Iterable[str], compute: Callable[[], str]) -> str:
    """Return what a function computes from files, cached as long as their state is the same.

    Args:
        path: The files, for a person who reads the cache.
        state: All that the answer depends on.
        compute: Computes it.
    """
    note = cache_folder() / "checksums" / f"{digest_of(part.encode() for part in state)}.json"
    try:
        return str(json.loads(note.read_text())["checksum"])
    except (OSError, ValueError, KeyError):
        found = compute()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"path": str(path), "checksum": found}))
    except OSError:
        pass  # Without a cache to write to, it is computed again next time.
    return found


def _hashed(path: Path, algorithm: str) -> str:
    digest, size = hashlib.new(algorithm, usedforsecurity=False), path.stat().st_size
    with path.open("rb") as stream, task(f"checking {path.name}", size) as advance:
        while block := stream.read(BLOCK):
            digest.update(block)
            advance(len(block))
    return f"{algorithm}:{digest.hexdigest()}"
