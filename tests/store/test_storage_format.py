"""Databases are written in a format that clients of any version 1 of DuckDB open."""

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.store.store import Store

pytestmark = pytest.mark.usefixtures("made_by_migrations")

OLDEST = 64
"""Number of the storage format of DuckDB 0.10 to 1.1, the oldest that is written; newer clients read it too."""


def storage_format(path):
    """Return what the header of a database says: 8 bytes of checksum, the letters, then a number."""
    content = path.read_bytes()
    assert content[8:12] == b"DUCK"
    return int.from_bytes(content[12:20], "little")


def test_a_new_store_has_the_oldest_format_and_keeps_it(store):
    store.prepare()
    path = store.path / "results.duckdb"
    assert storage_format(path) == OLDEST
    store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
    store.record_measurement(a_measurement(), a_result())
    assert storage_format(path) == OLDEST
    with duckdb.connect(path, read_only=True) as connection:
        [(tags,)] = connection.execute("select tags from duckdb_databases() where database_name = 'results'").fetchall()
        assert tags["storage_version"].startswith("v1.0.0")


def test_a_store_of_another_format_stays_as_it_is_and_a_rescue_rewrites_it(tmp_path):
    path = tmp_path / "store" / "results.duckdb"
    path.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as results (storage_version 'latest')")
    before = storage_format(path)
    assert before != OLDEST
    store = Store.open(path.parent)
    store.prepare()
    store.record_measurement(a_measurement(training=None), a_result())
    assert storage_format(path) == before
    new = Store.open(tmp_path / "new")
    assert store.rescue(new).losses == ()
    assert storage_format(new.path / "results.duckdb") == OLDEST
    assert new.query("from results").to_pylist() == store.query("from results").to_pylist()
