"""The schema of a store: its tables, what is derived as rows are inserted, and how a database is brought up to date."""

from collections.abc import Mapping
from contextlib import suppress

from duckdb import BinderException, CatalogException, DuckDBPyConnection, TransactionException

from vaehub.store.migrations import MIGRATIONS

VERSION = len(MIGRATIONS)

TABLES = (
    "provenance",
    "trainings",
    "epochs",
    "measurements",
    "measured_values",
    "measured_signatures",
    "arrays",
    "published",
    "studies",
    "cells",
)
"""Tables of records, those that others point at first."""

OWNERS = {
    "epochs": "training",
    "measured_values": "measurement",
    "measured_signatures": "measurement",
    "arrays": "owner",
}
"""Tables whose rows belong to a record, and the column that names it."""

_LENGTH = {
    "epochs": "case when {0}.steps' is null then try_cast({0}.epochs' as bigint) end",
    "steps": "try_cast({0}.steps' as bigint)",
}

DERIVED: Mapping[str, Mapping[str, str]] = {
    "trainings": {
        "beta": "try_cast(recipe ->> '$.model.params.beta' as double)",
        "likelihood": (
            "coalesce(recipe ->> '$.model.params.likelihood', recipe ->> '$.model.params.reading.likelihood')"
        ),
        **{name: each.format("recipe ->> '$.train.params") for name, each in _LENGTH.items()},
        "setting": """
            md5(json_merge_patch(
                recipe::json,
                '{
                    "seed": null, "model": {"incidental": null}, "network": {"incidental": null},
                    "dataset": {"incidental": null}
                }'
            )::varchar)
        """,
    },
    "measurements": {
        "model": "subject ->> '$.recipe.model.name'",
        "network": "subject ->> '$.recipe.network.name'",
        "dataset": "coalesce(subject ->> '$.dataset.name', subject ->> '$.recipe.dataset.name')",
        "beta": "try_cast(subject ->> '$.recipe.model.params.beta' as double)",
        "recipe": "subject -> '$.recipe'",
        "likelihood": "subject ->> '$.recipe.model.params.likelihood'",
        **{name: each.format("subject ->> '$.recipe.train.params") for name, each in _LENGTH.items()},
        "split": "params ->> '$.split'",
        "setting": """
            md5(json_merge_patch(
                request::json,
                '{"seed": null, "subject": {"training": null, "pair": null, "recipe": {"seed": null}}}'
            )::varchar)
        """,
    },
}
"""Columns that repeat what JSON of the same row says, for the views; computed when a row is inserted."""


def insertion(table: str) -> str:
    """Return the statement that inserts ``incoming``, which has all columns but those of :data:`DERIVED`."""
    derived = "".join(f", {expression} as {name}" for name, expression in DERIVED.get(table, {}).items())
    return f"insert into {table} by name select *{derived} from incoming"  # noqa: S608 names of ours


_READ_VERSION = "select max(version) from schema_version"
_READ_VERSION_OF_STORE = """
    select max(version) from schema_version
    where migrated is not null
    and not exists (select id from trainings where false) and not exists (select id from measurements where false)
"""
_READ_VERSION_COLUMNS = "select list_sort(list(column_name)) from duckdb_columns() where table_name = 'schema_version'"
_HAS_ANYTHING = (
    "select (select count(*) from duckdb_tables()) + (select count(*) from duckdb_views() where not internal)"
)
_OUR_TABLES = "select count(*) from duckdb_tables() where table_name in ('trainings', 'measurements')"
_CREATE_VERSION = "create table schema_version (version bigint not null, migrated timestamp not null)"
_RECORD_VERSION = "insert into schema_version values (?, now()::timestamp)"


def version_of(connection: DuckDBPyConnection) -> int | None:
    """Return the schema version of a database: 0 if it is empty, ``None`` if it is not a store's."""
    if not _number(connection, _HAS_ANYTHING):
        return 0
    [(columns,)] = connection.execute(_READ_VERSION_COLUMNS).fetchall()
    if columns != ["migrated", "version"] or _number(connection, _OUR_TABLES) != 2:
        return None
    return _number(connection, _READ_VERSION)


def recorded_version(connection: DuckDBPyConnection) -> int | None:
    """Return the same as :func:`version_of`, with one quick query where the database is a store's."""
    try:
        return _number(connection, _READ_VERSION_OF_STORE)
    except (CatalogException, BinderException, TypeError):
        return version_of(connection)


def migrate(connection: DuckDBPyConnection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring a database up to date, in one transaction, so that it is never between two versions."""
    connection.begin()
    try:
        # Looked at inside the transaction: another process may have migrated meanwhile.
        present = version_of(connection)
        assert present is not None, "the caller refused foreign databases"
        if present == 0:
            connection.execute(_CREATE_VERSION)
        for version, script in enumerate(migrations[present:], start=present + 1):
            connection.execute(script)
            connection.execute(_RECORD_VERSION, [version])
        connection.commit()
    except BaseException:
        # There is none if the commit itself failed, as on a full disk.
        with suppress(TransactionException):
            connection.rollback()
        raise


def _number(connection: DuckDBPyConnection, statement: str) -> int:
    # All rows are fetched, or the connection would count the result as unfinished.
    [(number,)] = connection.execute(statement).fetchall()
    return int(number)
