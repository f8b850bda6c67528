"""What a checkpoint overwrites, kept beside the database so that one that is interrupted can be undone.

DuckDB writes a checkpoint into free blocks, and then the header that points to them: until then the former checkpoint
is whole. Blocks of metadata are an exception. Pieces of several purposes share such a block, and when one of them is
free, the block is written again where it is, although the header on disk still needs the other pieces. A process that
is killed in the middle of that write, or a machine that loses its power, leaves a block with a wrong checksum, and a
database that nothing opens (seen with DuckDB 2.0.0: one of about 150 processes that were killed as they recorded to a
file system in memory).

Blocks of metadata are therefore copied before each checkpoint, together with the headers of the file. As long as the
file has these headers, the checkpoint is not complete and the copies are what belongs there; once it has others, they
are of no use. What was committed meanwhile is in the log, which DuckDB removes only after the header.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from vaehub.store.files import flush

_MAGIC = b"vaehub undo 1\n\0\0"
_HEADERS = 3 * 4096
"""Bytes before the first block: what the file is, and two headers that take turns."""
_HEAD = len(_MAGIC) + hashlib.sha256().digest_size + _HEADERS
_BLOCK = struct.Struct("<QQ")
"""Place and length of each block in front of it."""
_LEAST_TEMPORARY = 2**62
"""Blocks that are in memory alone have numbers from here on."""


@dataclass(frozen=True)
class _Copy:
    """Content of some places of the database, from a time when it had these headers."""

    headers: bytes
    blocks: tuple[tuple[int, bytes], ...]

    def encoded(self) -> bytes:
        blocks = b"".join(_BLOCK.pack(at, len(content)) + content for at, content in self.blocks)
        return _MAGIC + hashlib.sha256(self.headers + blocks).digest() + self.headers + blocks


class Undo:
    """The copy beside a database. Only whoever has the turn may use it.

    Args:
        database: The file.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_suffix(".undo")
        self._open: int | None = None

    def restore(self) -> None:
        """Put back what an interrupted checkpoint overwrote; nothing is written if there was none.

        Raises:
            OSError: If there is something to put back and the file cannot be written.
        """
        if not self._database.is_file():
            return
        with self._database.open("rb", buffering=0) as database:
            copy = self._copied(database.read(_HEADERS))
            if copy is None:
                return
            wrong = [each for each in copy.blocks if os.pread(database.fileno(), len(each[1]), each[0]) != each[1]]
            if wrong:
                with self._database.open("r+b", buffering=0) as written:
                    for at, content in wrong:
                        _write(written.fileno(), content, at)
                    os.fsync(written.fileno())

    def begin(self) -> None:
        """Open the database beside DuckDB: to be called before it does, and :meth:`end` after it has closed the file.

        The system ends all locks that a process has on a file as soon as it closes the file once.
        """
        self._open = os.open(self._database, os.O_RDONLY)

    def end(self) -> None:
        """Close the database."""
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def keep(self, connection: DuckDBPyConnection) -> None:
        """Copy what the next checkpoint may overwrite, and flush it to the disk.

        Args:
            connection: One that has the database open and has written no checkpoint since the last call.

        Raises:
            OSError: If the copy cannot be written: then there must be no checkpoint.
        """
        assert self._open is not None, "it has begun"
        headers = os.pread(self._open, _HEADERS, 0)
        if self._copied(headers) is not None:
            return  # a checkpoint was tried and failed: what is in the file by now may be half of it
        [(size,)] = connection.execute(
            "select block_size from pragma_database_size() where database_name = current_database()"
        ).fetchall()
        used = connection.execute("select block_id from pragma_metadata_info() order by block_id").fetchall()
        places = [_HEADERS + block * size for (block,) in used if block < _LEAST_TEMPORARY]
        blocks = [(at, os.pread(self._open, size, at)) for at in places]
        # Blocks at the end that no checkpoint has written yet are no part of the file.
        self._write(_Copy(headers, tuple((at, content) for at, content in blocks if len(content) == size)))

    def _write(self, copy: _Copy) -> None:
        is_new = not self._path.exists()
        content = copy.encoded()
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666), "wb", buffering=0) as file:
            _write(file.fileno(), content, 0)
            file.truncate(len(content))
            os.fsync(file.fileno())
        if is_new:
            flush(self._path.parent)

    def _copied(self, headers: bytes) -> _Copy | None:
        """Return the copy if it is whole, and of the database when it had these headers."""
        try:
            with self._path.open("rb") as file:
                head = file.read(_HEAD)
                if len(head) < _HEAD or not head.startswith(_MAGIC) or head[-_HEADERS:] != headers:
                    return None
                content = file.read()
        except FileNotFoundError:
            return None
        if hashlib.sha256(headers + content).digest() != head[len(_MAGIC) : -_HEADERS]:
            return None
        blocks, at = [], 0
        while at < len(content):
            place, length = _BLOCK.unpack_from(content, at)
            at += _BLOCK.size
            blocks.append((place, content[at : at + length]))
            at += length
        return _Copy(headers, tuple(blocks))


def _write(number: int, content: bytes, at: int) -> None:
    rest = memoryview(content)
    while rest:
        done = os.pwrite(number, rest, at)
        rest, at = rest[done:], at + done
