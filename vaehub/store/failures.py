"""What the database or the disk says, as one sentence: whatever touches either goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from vaehub.core.errors import StoreError, first_line

_INTERRUPTED = "Query interrupted"
"""What DuckDB says in a ``RuntimeError`` without a cause."""

_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What HDF5 raises besides, and Python when it decodes what is not what was once written."""

_UNWRITABLE = (MemoryError, OverflowError, RuntimeError, UnicodeError)
"""What HDF5 and the database's client raise besides of values that they cannot write."""

_DAMAGE = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException, duckdb.SerializationException)


def is_damage(error: duckdb.Error) -> bool:
    """Return whether a database is damaged or a disk fails, whatever the query that was asked."""
    # What a wrong checksum raises has no type of its own.
    return isinstance(error, _DAMAGE) or type(error) is duckdb.Error


def gone(kind: str, record_id: str) -> StoreError:
    """Return what to say of a training or measurement that the store had a moment ago."""
    return StoreError(
        f"{kind} {record_id[:8]} was in the store a moment ago, and is no more: the store was deleted or moved, or the "
        "record replaced, while this ran; ask again"
    )


@contextmanager
def translated(what: str, doing: str) -> Iterator[None]:
    """Raise an error of the database or of the disk as a :class:`StoreError`, and an interruption as what it is.

    Args:
        what: What is used, such as ``store 'results'``.
        doing: What cannot be done with it: ``read``, ``written`` or ``made``.

    Raises:
        StoreError: In the place of any error of DuckDB, of HDF5, and of the system, and of what damaged records raise
            when they are decoded.
    """
    try:
        with interruptible():
            yield
    except duckdb.Error as error:
        raise StoreError(f"{what} cannot be {doing}: {first_line(error)}") from error
    except OSError as error:
        raise StoreError(f"{what} cannot be {doing}: {error.strerror or first_line(error)}") from error
    except _UNREADABLE as error:
        if doing == "written" and not isinstance(error, _UNWRITABLE):
            raise  # not the store is at fault, but what it was given
        raise StoreError(f"{what} cannot be {doing}: {type(error).__name__}, {first_line(error)}") from error


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise an interruption that comes during a query as what it is.

    DuckDB takes the ``KeyboardInterrupt`` and raises another error, which would be recorded as a failure of the work,
    and the work would go on.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
