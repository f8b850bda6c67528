import hashlib
import json
import re

import duckdb
import pytest
from stored_samples import a_measurement, a_training

from vaehub.core.result import Result
from vaehub.store import measurements, trainings
from vaehub.store import rows as rows_of_records
from vaehub.store.migrations import MIGRATIONS
from vaehub.store.rows import insert
from vaehub.store.schema import VERSION, migrate, version_of

pytestmark = pytest.mark.usefixtures("made_by_migrations")

TABLES = {
    "arrays",
    "cells",
    "epochs",
    "measured_signatures",
    "measured_values",
    "measurements",
    "provenance",
    "published",
    "schema_version",
    "studies",
    "trainings",
}


RELEASED = [
    "bad0c8162b60bb0b",
    "e144f16b7d4fb564",
    "c6ce04162eb8fc79",
    "ea6d1983006c858c",
    "4b2f81898e247c41",
    "9b557ce61cdd0cb5",
    "ac75e4df268bb884",
]


@pytest.fixture
def empty():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def filled(empty):
    """A store's database of today, with one row in each table of records."""
    migrate(empty)
    insert(empty, trainings.rows(a_training(), [{"train": {"total": 1.0}}], "p1"))
    insert(empty, measurements.rows(a_measurement(), Result({"n": 1}), "p1"))
    return empty


def rows(connection, table):
    return connection.execute(f"select * from {table} order by all").fetchall()


def tables(connection):
    return {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}


def test_an_empty_database_has_version_0(empty):
    assert version_of(empty) == 0


def test_a_database_with_other_tables_has_no_version(empty):
    empty.execute("create table songs (title varchar)")
    assert version_of(empty) is None


def test_an_empty_database_is_migrated_to_the_present_version(empty):
    migrate(empty)
    assert version_of(empty) == VERSION


def test_a_migrated_database_has_the_tables_of_the_design(empty):
    migrate(empty)
    assert tables(empty) == TABLES


def test_migrating_twice_changes_nothing(filled):
    before = rows(filled, "schema_version")
    migrate(filled)
    assert rows(filled, "schema_version") == before


def test_every_migration_is_recorded_once_with_its_time(empty):
    migrate(empty, (*MIGRATIONS, "create table songs (title varchar)"))
    found = empty.execute("select version, migrated is not null from schema_version order by version").fetchall()
    assert found == [(version, True) for version in range(1, VERSION + 2)]


def test_a_new_migration_upgrades_an_existing_store(filled):
    migrate(filled, (*MIGRATIONS, "alter table trainings add column host varchar default 'unknown'"))
    assert version_of(filled) == VERSION + 1
    assert filled.execute("select id, host from trainings").fetchall() == [("t1", "unknown")]


@pytest.mark.parametrize("table", ["epochs", "measurements", "measured_values"])
def test_a_new_migration_keeps_the_rows(filled, table):
    before = rows(filled, table)
    migrate(filled, (*MIGRATIONS, "create table songs (title varchar)"))
    assert rows(filled, table) == before != []


def test_a_migration_runs_once_even_if_there_are_more_later(empty):
    second, third = "create table songs (title varchar)", "insert into songs values ('one')"
    migrate(empty, (*MIGRATIONS, second, third))
    migrate(empty, (*MIGRATIONS, second, third, "insert into songs values ('two')"))
    assert rows(empty, "songs") == [("one",), ("two",)]


def test_a_failing_migration_leaves_the_old_version(filled):
    with pytest.raises(duckdb.Error, match="nowhere"):
        migrate(filled, (*MIGRATIONS, "create table songs (title varchar)", "insert into nowhere values (1)"))
    assert version_of(filled) == VERSION


def test_a_failing_migration_leaves_nothing_of_itself(filled):
    with pytest.raises(duckdb.Error):
        migrate(filled, (*MIGRATIONS, "create table songs (title varchar); delete from trainings; select nothing"))
    assert tables(filled) == TABLES
    assert len(rows(filled, "trainings")) == 1


def test_a_failing_first_migration_leaves_an_empty_database(empty):
    with pytest.raises(duckdb.Error):
        migrate(empty, ("create table songs (title varchar); select nothing",))
    assert version_of(empty) == 0
    assert tables(empty) == set()


@pytest.mark.parametrize("status", ["running", "", None])
def test_a_training_is_done_or_failed_and_nothing_else(filled, status):
    with pytest.raises(duckdb.ConstraintException):
        filled.execute("update trainings set status = ?", [status])


def test_a_store_of_the_first_schema_keeps_its_records(empty):
    migrate(empty, MIGRATIONS[:1])
    empty.execute("""
        insert into measurements values
        ('m1', null, 'relevance', '{}', 0, '{}', 't1', null, '{}', 'done', null, now()::timestamp, 1, 'p1'),
        ('m2', 'mine', 'elbo', '{}', 0, '{}', 't1', null, '{}', 'done', null, now()::timestamp, 1, 'p1')
    """)
    empty.execute("insert into measured_values values ('m1', 'n', null, null, null, null, 2.5)")
    empty.execute("insert into measured_values values ('m2', 'elbo', null, null, null, null, 1.5)")
    migrate(empty)
    assert empty.execute("select metric, name, value, study from results order by metric").fetchall() == [
        ("elbo", "elbo", 1.5, "mine"),
        ("relevance", "n", 2.5, None),
    ]
    assert measurements.find_many(empty, ["m1"])["m1"].training == "t1"
    asked = empty.execute("select study, scale, cell, settings, metric, training, measurement from cells").fetchall()
    assert asked == [("mine", "earlier", None, "{}", "elbo", "t1", "m2")]


# The view of results as the second migration had it at first, and the line that it had not.
FIRST_TEXTS = {
    "try_cast(coalesce(t.recipe, m.subject -> '$.recipe') ->> ": "try_cast(t.recipe ->> ",
    "coalesce(t.recipe, m.subject -> '$.recipe') as recipe": "t.recipe",
    "insert into cells (study, scale, cell, settings, metric, training, measurement)\n"
    "    select study, 'earlier', null, '{}', metric, training, id from measurements where study is not null;": "",
}


def test_a_store_of_a_former_text_of_a_migration_has_the_views_of_today(empty):
    second = MIGRATIONS[1]
    for text, former in FIRST_TEXTS.items():
        assert text in second
        second = second.replace(text, former)
    migrate(empty, (MIGRATIONS[0], second, MIGRATIONS[2]))
    recipe = '{"recipe": {"model": {"name": "vae", "params": {"beta": 4}}}}'
    values = ["m1", "fondue", "{}", 0, recipe, None, None, "{}", "done", None, 1.0, "p1"]
    columns = "id, metric, params, seed, subject, training, other, request, status, error, seconds, provenance, started"
    empty.execute(f"insert into measurements ({columns}) values ({'?, ' * 12} now()::timestamp)", values)
    empty.execute("insert into measured_values values ('m1', 'n', null, null, null, null, 2.5)")
    asked = "select value, beta, recipe ->> '$.model.name' from results"
    assert empty.execute(asked).fetchall() == [(2.5, None, None)]
    migrate(empty)
    assert empty.execute(asked).fetchall() == [(2.5, 4, "vae")]
    assert empty.execute("select count(*) from study_results").fetchall() == [(0,)]
    with duckdb.connect() as new:
        migrate(new)
        shape = "select table_name, column_name, data_type, is_nullable from duckdb_columns() order by all"
        views = "select view_name, sql from duckdb_views() where not internal order by all"
        for query in (shape, views):
            assert empty.execute(query).fetchall() == new.execute(query).fetchall()


def test_no_released_migration_has_been_edited():
    # Append the digest of a new one; a store keeps what the old ones made of it.
    assert [hashlib.sha256(each.encode()).hexdigest()[:16] for each in MIGRATIONS] == RELEASED


def test_every_column_says_what_it_means(empty):
    migrate(empty)
    without = "select table_name, column_name from duckdb_columns() where comment is null and not internal"
    assert empty.execute(without).fetchall() == []


RECIPE = {
    "model": {"name": "beta_vae", "params": {"beta": 0.5}},
    "network": {"name": "mlp"},
    "dataset": {"name": "digits"},
    "seed": 3,
}
SUBJECTS = {
    "m1": {"training": "t1"},
    "m2": {"recipe": RECIPE},
    "m3": {"dataset": {"name": "sprites"}},
    "m4": {"pair": ["t1", "t1"]},
    "m5": {"recipe": RECIPE | {"model": {"name": "vae", "params": {}}}},
}
SEEN = """
    select
        study, model, network, dataset, seed, latent_dim, beta, metric, name, index_name, index, label, keys, value,
        params, recipe, training, other, measurement
    from results order by measurement
"""


def record_each_subject(connection):
    recipe = a_training().recipe | {"model": {"name": "beta_vae", "params": {"beta": 4}}}
    insert(connection, trainings.rows(a_training(recipe=recipe), [], "p1"))
    for each, subject in SUBJECTS.items():
        training = "t1" if each in ("m1", "m4") else None
        record = a_measurement(each, training=training, subject=subject)
        insert(connection, measurements.rows(record, Result({"n": 1}), "p1"))


def test_results_say_what_was_measured(empty):
    migrate(empty)
    record_each_subject(empty)
    found = empty.execute("select model, network, dataset, beta, recipe from results order by measurement").fetchall()
    assert [row[:4] for row in found] == [
        ("beta_vae", "mlp", "digits", 4.0),
        ("beta_vae", "mlp", "digits", 0.5),
        (None, None, "sprites", None),
        ("beta_vae", "mlp", "digits", 4.0),
        ("vae", "mlp", "digits", None),
    ]
    assert json.loads(found[1][4]) == RECIPE
    assert found[2][4] is None


def test_a_store_of_the_schema_before_columns_were_derived_says_the_same(empty, monkeypatch):
    """The view that looked into JSON, and the view of columns that a migration filled, agree row by row."""
    migrate(empty, MIGRATIONS[:3])
    with monkeypatch.context() as before:
        before.setattr(
            rows_of_records,
            "_INSERT",
            {
                "trainings": "insert into trainings by name select * from incoming",
                "measurements": "insert into measurements by name select * from incoming",
                "measured_values": "insert into measured_values by name select * exclude (unit) from incoming",
            },
        )
        record_each_subject(empty)
    looked_into = empty.execute(SEEN).fetchall()
    migrate(empty)
    assert empty.execute(SEEN).fetchall() == looked_into
    for table in ("trainings", "measurements"):
        upgraded = rows(empty, table)
        with duckdb.connect() as new:
            migrate(new)
            record_each_subject(new)
            assert rows(new, table) == upgraded


def test_views_and_macros_call_no_function_of_json(empty):
    """Some clients, R's among them, have these functions only once they have downloaded them."""
    migrate(empty)
    views = empty.execute("select view_name, sql from duckdb_views() where not internal").fetchall()
    macros = empty.execute(
        "select function_name, macro_definition from duckdb_functions() where not internal"
    ).fetchall()
    assert {"results", "study_results", "summary", "signatures", "study_signatures", "cka"} <= {
        name for name, _ in views + macros
    }
    for name, text in views + macros:
        assert not re.search(r"->|json", text, re.IGNORECASE), name
