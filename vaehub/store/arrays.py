"""The table ``arrays``: what is in which file."""

from collections.abc import Callable, Sequence

from duckdb import DuckDBPyConnection

from vaehub.store.files import StoredFile, WrittenFile

_FORGET = "delete from arrays where owner = ?"
_INSERT = "insert into arrays select $1, name, shape, dtype, $2, $3 from incoming"
_FILES_OF = "select distinct owner, file, sha256 from arrays where owner in (select unnest(?))"
_FILES = "select file, any_value(sha256), any_value(owner) from arrays group by file order by file"


def prepared(owner: str, file: WrittenFile) -> Callable[[DuckDBPyConnection], None]:
    """Return what inserts where the arrays of a record are, with all work done that needs no database."""
    import pyarrow as pa

    names, shapes, dtypes = zip(*file.contents, strict=True)
    incoming = pa.table(
        {"name": names, "shape": pa.array(map(list, shapes), type=pa.list_(pa.int64())), "dtype": dtypes}
    )

    def insert(connection: DuckDBPyConnection) -> None:
        # DuckDB finds the table by the name of this variable.
        assert incoming is not None, "it is made above"
        connection.execute(_INSERT, [owner, file.name, file.sha256])

    return insert


def forget(connection: DuckDBPyConnection, owner: str) -> None:
    """Remove the pointers of an owner."""
    connection.execute(_FORGET, [owner])


def files_of(connection: DuckDBPyConnection, owners: Sequence[str]) -> dict[str, StoredFile]:
    """Return the file that holds the arrays of each owner that has any."""
    return {owner: StoredFile(*rest) for owner, *rest in connection.execute(_FILES_OF, [list(owners)]).fetchall()}


def files(connection: DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return name, checksum and an owner of every file that is pointed at."""
    return connection.execute(_FILES).fetchall()
