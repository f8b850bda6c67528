"""Checksums of files, computed once as long as a file does not change."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from vaehub.core.errors import DataError
from vaehub.core.files.card import DataFile
from vaehub.core.files.places import cache_folder
from vaehub.core.progress import task

BLOCK = 1 << 20
REMEMBERED = 32 << 20
"""Bytes from which on a checksum is remembered: smaller files are hashed in less time than a record takes to trust."""


def checksum(path: Path, algorithm: str) -> str:
    """Return the checksum of a file, such as ``md5:7da3…``.

    For a large file it is remembered together with the file's size and time of change.
    """
    stat = path.stat()
    if stat.st_size < REMEMBERED:
        return _hashed(path, algorithm)
    state = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {algorithm}"
    note = cache_folder() / "checksums" / f"{hashlib.blake2b(state.encode(), digest_size=12).hexdigest()}.json"
    try:
        return str(json.loads(note.read_text())["checksum"])
    except (OSError, ValueError, KeyError):
        found = _hashed(path, algorithm)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"file": str(path), "checksum": found}))
    except OSError:
        pass  # Without a place to remember it, it is computed again next time.
    return found


def check(path: Path, file: DataFile) -> None:
    """See that a file is the published one.

    Raises:
        DataError: If it is not; names both checksums.
    """
    if file.checksum is None:
        return
    found = checksum(path, file.checksum.partition(":")[0])
    if found != file.checksum:
        raise DataError(
            f"{path} is not the published file: its checksum is {found}, and should be {file.checksum}; "
            "delete the file, or replace it"
        )


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a digest of some bytes in order, as 24 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _hashed(path: Path, algorithm: str) -> str:
    digest, size = hashlib.new(algorithm, usedforsecurity=False), path.stat().st_size
    with path.open("rb") as stream, task(f"checking {path.name}", size) as advance:
        while block := stream.read(BLOCK):
            digest.update(block)
            advance(len(block))
    return f"{algorithm}:{digest.hexdigest()}"
