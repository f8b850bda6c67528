"""The table ``arrays``: what is in which file."""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from vaehub.store.files import StoredFile, WrittenFile
from vaehub.store.rows import Rows

_FORGET = "delete from arrays where owner = ?"
_FILES_OF = "select distinct owner, file, sha256 from arrays where owner in (select unnest(?))"
_FILES = "select file, any_value(sha256), any_value(owner) from arrays group by file order by file"


def rows(owner: str, file: WrittenFile) -> Rows:
    """Return the rows that say where the arrays of a record are."""
    import pyarrow as pa

    names, shapes, dtypes = zip(*file.contents, strict=True)
    n, text = len(names), pa.string()
    columns = {
        "owner": pa.array([owner] * n, text),
        "name": pa.array(names, text),
        "shape": pa.array(map(list, shapes), type=pa.list_(pa.int64())),
        "dtype": pa.array(dtypes, text),
        "file": pa.array([file.name] * n, text),
        "sha256": pa.array([file.sha256] * n, text),
    }
    return {"arrays": pa.table(columns)}


def forget(connection: DuckDBPyConnection, owner: str) -> None:
    """Remove the pointers of an owner."""
    connection.execute(_FORGET, [owner])


def files_of(connection: DuckDBPyConnection, owners: Sequence[str]) -> dict[str, StoredFile]:
    """Return the file that holds the arrays of each owner that has any."""
    return {owner: StoredFile(*rest) for owner, *rest in connection.execute(_FILES_OF, [list(owners)]).fetchall()}


def files(connection: DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return name, checksum and an owner of every file that is pointed at."""
    return connection.execute(_FILES).fetchall()
