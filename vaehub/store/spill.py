"""Answers of any length, kept until they are written: in memory, or, if they are long, in a file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vaehub.core.errors import WorkFailed, first_line

if TYPE_CHECKING:
    import pyarrow as pa

IN_MEMORY = 8 << 20
"""Bytes of an answer that are kept in memory; what is longer is on the disk."""


class Spill:
    """The rows of an answer, which are read once, in order, when the store has been given back.

    The file is in the system's folder of temporary files and is gone with the process.

    Args:
        schema: Names and types of the columns.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 the object is the context

    @classmethod
    def of(cls, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Self:
        """Keep batches of rows, which come from a source that raises no ``OSError`` of its own.

        Raises:
            WorkFailed: If the disk is full, or there is no folder of temporary files.
        """
        from pyarrow import ipc

        kept = cls(schema)
        try:
            options = ipc.IpcWriteOptions(compression="lz4")
            with _on_disk(), ipc.new_stream(kept._file, schema, options=options) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        except BaseException:
            kept.close()
            raise
        return kept

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        from pyarrow import ipc

        with _on_disk():
            self._file.seek(0)
            reader = ipc.open_stream(self._file)
        while True:
            with _on_disk():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            yield batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give memory and disk back."""
        self._file.close()


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise WorkFailed(
            f"a long answer is kept in the folder of temporary files, which failed: {reason}; TMPDIR names another"
        ) from error
