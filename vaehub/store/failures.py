"""What the database or the disk says, as one sentence: whatever touches either goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from vaehub.core.errors import StoreError, first_line

_INTERRUPTED = "Query interrupted"
"""What DuckDB says in a ``RuntimeError`` without a cause."""


@contextmanager
def translated(what: str, doing: str) -> Iterator[None]:
    """Raise an error of the database or of the disk as a :class:`StoreError`, and an interruption as what it is.

    Args:
        what: What is used, such as ``store 'results'``.
        doing: What cannot be done with it: ``read``, ``written`` or ``made``.

    Raises:
        StoreError: In the place of any error of DuckDB, and of any ``OSError``, which h5py raises too.
    """
    try:
        with interruptible():
            yield
    except duckdb.Error as error:
        raise StoreError(f"{what} cannot be {doing}: {first_line(error)}") from error
    except OSError as error:
        raise StoreError(f"{what} cannot be {doing}: {error.strerror or first_line(error)}") from error


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
