"""The table ``arrays``: what is in which file."""

from duckdb import DuckDBPyConnection

from vaehub.store.files import StoredFile, WrittenFile

_FORGET = "delete from arrays where owner = ?"
_STORE = "insert into arrays select $1, name, shape, dtype, $2, $3 from incoming"
_FILE = "select distinct file, sha256 from arrays where owner = ?"
_FILES = "select file, any_value(sha256), any_value(owner) from arrays group by file order by file"


def store(connection: DuckDBPyConnection, owner: str, file: WrittenFile) -> None:
    """Store where the arrays of a training or a measurement are; nothing may be stored of them yet."""
    import pyarrow as pa

    names, shapes, dtypes = zip(*file.contents, strict=True)
    # DuckDB finds the table by the name of this variable.
    incoming = pa.table(  # noqa: F841
        {"name": names, "shape": pa.array(map(list, shapes), type=pa.list_(pa.int64())), "dtype": dtypes}
    )
    connection.execute(_STORE, [owner, file.name, file.sha256])


def forget(connection: DuckDBPyConnection, owner: str) -> None:
    """Remove the pointers of an owner."""
    connection.execute(_FORGET, [owner])


def file_of(connection: DuckDBPyConnection, owner: str) -> StoredFile | None:
    """Return the file that holds an owner's arrays, or ``None`` if it has none."""
    rows = connection.execute(_FILE, [owner]).fetchall()
    return StoredFile(*rows[0]) if rows else None


def files(connection: DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return name, checksum and an owner of every file that is pointed at."""
    return connection.execute(_FILES).fetchall()
