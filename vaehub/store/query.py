"""Reading with SQL: one query at a time, which can neither change the store nor reach anything else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation, StatementType

from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.store.failures import is_damage
from vaehub.store.spill import Spill

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb.sqltypes import DuckDBPyType

# A PIVOT counts as several statements. EXPLAIN is missing, since EXPLAIN ANALYZE carries out what it explains.
QUERIES = (StatementType.SELECT, StatementType.MULTI)

WRITTEN_OUT = frozenset({"interval", "bit", "bignum", "union", "variant", "geometry", "time with time zone", "time_ns"})
"""Types that Arrow has not, or that files and Python cannot take from it: they are returned as DuckDB writes them."""


_OUT_OF_REACH = "a query reads the store and nothing else; files and addresses are out of its reach"
_LOGGING = re.compile(r"\b(?:en|dis)able_logging\b", re.IGNORECASE)
"""Functions that change what the process does; DuckDB 1 lets a locked connection call them, and then aborts."""

_PIVOT = re.compile(r"\bpivot\b", re.IGNORECASE)
_PIVOT_HINT = "; before DuckDB 2 a PIVOT is one if it lists the values: 'pivot results on name in (elbo, kl) using …'"
IS_JSON = {b"kind": b"json"}
"""What is noted of a column of JSON in the schema of an answer."""

QUERY_TIMEOUT = 300.0
"""Seconds that a query takes at most, if nothing else is said."""

BATCH = 2048
"""Rows that a long answer has in memory at once, the fewest that DuckDB computes together."""

_ERRORS = {
    name.removesuffix("Exception").lower(): kind
    for name, kind in vars(duckdb).items()
    if name.endswith("Exception") and isinstance(kind, type) and issubclass(kind, duckdb.Error)
}
"""Errors of DuckDB by what their messages begin with."""


def query(connection: DuckDBPyConnection, text: str, timeout: float = QUERY_TIMEOUT) -> pa.Table:
    """Return the rows of a query.

    Args:
        connection: Read-only and locked.
        text: One SELECT, or FROM, DESCRIBE, SHOW, SUMMARIZE, PIVOT.
        timeout: Seconds after which it is given up.

    Returns:
        The rows; of a type in ``WRITTEN_OUT``, also inside lists and the like, as text.

    Raises:
        VaehubError: If the query is wrong, or is none.
        WorkFailed: If it takes longer, or more memory than it may have.
    """
    import pyarrow as pa

    with _understood(connection, text, timeout) as rows:
        found = _portable_rows(rows).to_arrow_table()
        return pa.Table.from_arrays(found.columns, schema=_named(found.schema, rows))


def spilled(connection: DuckDBPyConnection, text: str, timeout: float = QUERY_TIMEOUT) -> Spill:
    """Return the rows of a query as :func:`query` does, in little memory however many they are.

    They are all computed and kept when this returns, so that others need not wait until they are written.
    """
    import pyarrow as pa

    with _understood(connection, text, timeout) as rows:
        reader = _reader(_portable_rows(rows))
        schema = _named(reader.schema, rows)
        return Spill.of(schema, (pa.RecordBatch.from_arrays(each.columns, schema=schema) for each in _batches(reader)))


@contextmanager
def _understood(connection: DuckDBPyConnection, text: str, timeout: float) -> Iterator[DuckDBPyRelation]:
    """Give the rows that a query asks for, which are computed within the context and within a time."""
    if _LOGGING.search(text):
        raise VaehubError(_OUT_OF_REACH)
    try:
        statements = connection.extract_statements(text)
        if len(statements) != 1:
            hint = _PIVOT_HINT if statements and _PIVOT.search(text) else ""
            raise VaehubError(f"one query at a time can be asked, got {len(statements)}{hint}")
        if statements[0].type not in QUERIES:
            kind = statements[0].type.name
            raise VaehubError(f"the store can be queried but not changed with SQL, and this is {_article(kind)} {kind}")
        with _stopped_after(timeout, connection):
            yield connection.sql(text)
    except duckdb.OutOfMemoryException as error:
        raise WorkFailed(
            "the query needs more memory than half of what is free, which is all that it may have; ask for fewer rows "
            "or columns, or for aggregates"
        ) from error
    except TypeError as error:
        raise VaehubError("the query was not understood: it is not valid Unicode") from error
    except duckdb.PermissionException as error:
        raise VaehubError(_OUT_OF_REACH) from error
    except duckdb.Error as error:
        if is_damage(error):
            raise  # the query is not at fault
        raise VaehubError(f"the query was not understood: {_sentence(error)}") from error


def _reader(rows: DuckDBPyRelation) -> pa.RecordBatchReader:
    # Before DuckDB 1.5 the method has another name, which warns since.
    return rows.to_arrow_reader(BATCH) if hasattr(rows, "to_arrow_reader") else rows.fetch_arrow_reader(BATCH)


def _named(schema: pa.Schema, rows: DuckDBPyRelation) -> pa.Schema:
    """Return a schema with the names of the columns, and a note on those of JSON, which Arrow has as text."""
    import pyarrow as pa

    columns = zip(schema, rows.columns, rows.types, strict=True)
    return pa.schema(
        [field.with_name(name).with_metadata(IS_JSON if str(kind) == "JSON" else None) for field, name, kind in columns]
    )


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows; what fails meanwhile is an error of the database, as it is before the first."""
    while True:
        try:
            yield reader.read_next_batch()
        except StopIteration:
            return
        except OSError as error:  # how Arrow hands on what its source says
            kind, _, _ = str(error).partition(" Error: ")
            raise _ERRORS.get(kind.replace(" ", "").lower(), duckdb.Error)(str(error)) from error


def _portable_rows(rows: DuckDBPyRelation) -> DuckDBPyRelation:
    """Return rows whose types Arrow has; columns may get other names."""
    if not any(_is_written_out(kind) for kind in rows.types):
        return rows
    columns = ", ".join(f"cast(#{place} as {_portable(kind)})" for place, kind in enumerate(rows.types, start=1))
    return rows.project(columns)


def _is_written_out(kind: DuckDBPyType) -> bool:
    return kind.id in WRITTEN_OUT or any(_is_written_out(part) for _, part in _parts(kind))


def _portable(kind: DuckDBPyType) -> str:
    """Return a type, in SQL, with text in the place of those that are written out."""
    if kind.id in WRITTEN_OUT:
        return "VARCHAR"
    parts = [(name, _portable(part)) for name, part in _parts(kind)]
    match kind.id, parts:
        case "list", [(_, item)]:
            return f"{item}[]"
        case "array", [(_, item)]:
            return f"{item}[{dict(kind.children)['size']}]"
        case "map", [(_, key), (_, value)]:
            return f"MAP({key}, {value})"
        case "struct", _:
            return f"STRUCT({', '.join(f'{_quoted(name)} {part}' for name, part in parts)})"
    return str(kind)


def _parts(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    if kind.id not in ("list", "array", "map", "struct"):
        return []
    return [(name, part) for name, part in kind.children if not isinstance(part, int | list)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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
