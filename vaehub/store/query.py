"""Reading with SQL: one query at a time, which can neither change the store nor reach anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation, StatementType

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb.sqltypes import DuckDBPyType

# A PIVOT counts as several statements. EXPLAIN is missing, since EXPLAIN ANALYZE carries out what it explains.
QUERIES = (StatementType.SELECT, StatementType.MULTI)

WRITTEN_OUT = frozenset({"interval", "bit", "bignum", "union", "variant", "geometry", "time with time zone", "time_ns"})
"""Types that Arrow has not, or that files and Python cannot take from it: they are returned as DuckDB writes them."""


def query(connection: DuckDBPyConnection, text: str) -> pa.Table:
    """Return the rows of a query.

    Args:
        connection: Read-only and locked.
        text: One SELECT, or FROM, DESCRIBE, SHOW, SUMMARIZE, PIVOT.

    Returns:
        The rows; of a type in ``WRITTEN_OUT``, also inside lists and the like, as text.

    Raises:
        VaehubError: If the query is wrong, or is none.
    """
    try:
        statements = connection.extract_statements(text)
        if len(statements) != 1:
            raise VaehubError(f"one query at a time can be asked, got {len(statements)}")
        if statements[0].type not in QUERIES:
            kind = statements[0].type.name
            raise VaehubError(f"the store can be queried but not changed with SQL, and this is {_article(kind)} {kind}")
        return _table(connection.sql(text))
    except TypeError as error:
        raise VaehubError("the query was not understood: it is not valid Unicode") from error
    except duckdb.PermissionException as error:
        raise VaehubError(
            "a query reads the store and nothing else; files and addresses are out of its reach"
        ) from error
    except duckdb.Error as error:
        raise VaehubError(f"the query was not understood: {_sentence(error)}") from error


def _table(rows: DuckDBPyRelation) -> pa.Table:
    if not any(_is_written_out(kind) for kind in rows.types):
        return rows.to_arrow_table()
    columns = ", ".join(f"cast(#{place} as {_portable(kind)})" for place, kind in enumerate(rows.types, start=1))
    return rows.project(columns).to_arrow_table().rename_columns(rows.columns)


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


def _article(word: str) -> str:
    return "an" if word[0] in "AEIOU" else "a"


def _sentence(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("LINE ", "^"))]
    return " ".join(kept)
