"""Reading with SQL: one query at a time, which can neither change the store nor reach anything else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection, StatementType

from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.store.failures import is_damage

if TYPE_CHECKING:
    import pyarrow as pa

# A PIVOT counts as several statements. EXPLAIN is missing, since EXPLAIN ANALYZE carries out what it explains.
QUERIES = (StatementType.SELECT, StatementType.MULTI)


QUERY_TIMEOUT = 300.0
"""Seconds that a query takes at most, if nothing else is said."""


def query(connection: DuckDBPyConnection, text: str, timeout: float = QUERY_TIMEOUT) -> pa.Table:
    """Return the rows of a query.

    Args:
        connection: Read-only and locked.
        text: One SELECT, or FROM, DESCRIBE, SHOW, SUMMARIZE, PIVOT.
        timeout: Seconds after which it is given up.

    Raises:
        VaehubError: If the query is wrong, or is none.
        WorkFailed: If it takes longer, or more memory than it may have.
    """
    try:
        statements = connection.extract_statements(text)
        if len(statements) != 1:
            raise VaehubError(f"one query at a time can be asked, got {len(statements)}")
        if statements[0].type not in QUERIES:
            kind = statements[0].type.name
            raise VaehubError(f"the store can be queried but not changed with SQL, and this is {_article(kind)} {kind}")
        with _stopped_after(timeout, connection):
            return connection.sql(text).to_arrow_table()
    except duckdb.OutOfMemoryException as error:
        raise WorkFailed(
            "the query needs more memory than half of what is free, which is all that it may have; ask for fewer rows "
            "or columns, or for aggregates"
        ) from error
    except TypeError as error:
        raise VaehubError("the query was not understood: it is not valid Unicode") from error
    except duckdb.PermissionException as error:
        raise VaehubError(
            "a query reads the store and nothing else; files and addresses are out of its reach"
        ) from error
    except duckdb.Error as error:
        if is_damage(error):
            raise  # the query is not at fault
        raise VaehubError(f"the query was not understood: {_sentence(error)}") from error


@contextmanager
def _stopped_after(seconds: float, connection: DuckDBPyConnection) -> Iterator[None]:
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        if expired.is_set():
            raise WorkFailed(
                f"the query took more than {seconds:g} s and was given up; '--timeout' gives it longer"
            ) from error
        raise
    finally:
        timer.cancel()


def _article(word: str) -> str:
    return "an" if word[0] in "AEIOU" else "a"


def _sentence(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("LINE ", "^"))]
    return " ".join(kept)
