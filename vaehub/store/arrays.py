"""The table ``arrays``: what is in which file."""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from vaehub.store.files import StoredFile, WrittenFile

_FORGET = "delete from arrays where owner = ?"
_INSERT = "insert into arrays select $1, name, shape, dtype, $2, $3 from incoming"
_FILES_OF = "select distinct owner, file, sha256 from arrays where owner in (select unnest(?))"
_FILES = "select file, any_value(sha256), any_value(owner) from arrays group by file order by file"


def insert(connection: DuckDBPyConnection, owner: str, file: WrittenFile) -> None:
    """Insert where the arrays of a training or a measurement are; nothing may be stored of them yet."""
    import pyarrow as pa

    names, shapes, dtypes = zip(*file.contents, strict=True)
    # DuckDB finds the table by the name of this variable.
    incoming = pa.table(  # noqa: F841
        {"name": names, "shape": pa.array(map(list, shapes), type=pa.list_(pa.int64())), "dtype": dtypes}
    )
    connection.execute(_INSERT, [owner, file.name, file.sha256])


def forget(connection: DuckDBPyConnection, owner: str) -> None:
    """Remove the pointers of an owner."""
    connection.execute(_FORGET, [owner])


def files_of(connection: DuckDBPyConnection, owners: Sequence[str]) -> dict[str, StoredFile]:
    """Return the file that holds the arrays of each owner that has any."""
    return {owner: StoredFile(*rest) for owner, *rest in connection.execute(_FILES_OF, [list(owners)]).fetchall()}


def files(connection: DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return name, checksum and an owner of every file that is pointed at."""
    return connection.execute(_FILES).fetchall()
