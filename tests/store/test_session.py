"""A session opens the database once; whatever the database or the disk says is one sentence."""

import os
from contextlib import suppress

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, python, same_result, weights

from vaehub.core.errors import StoreError
from vaehub.store import schema, turns
from vaehub.store.files import write_arrays
from vaehub.store.store import Store


@pytest.fixture
def many(store):
    """A store with two trainings, measurements of both, and one of data."""
    store.prepare()
    for name in ("t1", "t2"):
        store.record_training(a_training(name), [], weights())
        store.record_measurement(a_measurement(f"m-{name}", training=name), a_result(int(name[1])))
    store.record_measurement(a_measurement("m-data", training=None), a_result(3))
    return store


def test_all_look_ups_of_a_session_share_one_opening_and_a_query_has_its_own(many, openings):
    with many.session() as session:
        session.find_many(["m-t1", "m-t2"])
        session.trainings(["t1"])
        many.training("t2")
        with many.session():
            many.resolve("m-d")
        many.query("from trainings")
    assert openings == ["look up", "query"]


def test_without_a_session_each_look_up_opens_the_file(many, openings):
    many.training("t1")
    many.training("t2")
    assert openings == ["look up", "look up"]


def test_a_session_in_which_nothing_is_asked_opens_nothing(many, openings):
    with many.session():
        pass
    assert openings == []


def test_many_measurements_are_found_at_once_each_with_what_belongs_to_it(many):
    found = many.find_many(["m-t2", "none", "m-data", "m-t1"])
    assert set(found) == {"m-t1", "m-t2", "m-data"}
    for name, seed in (("m-t1", 1), ("m-t2", 2), ("m-data", 3)):
        assert same_result(found[name].result, a_result(seed))
    assert [found[name].training and found[name].training.id for name in ("m-t1", "m-t2", "m-data")] == [
        "t1",
        "t2",
        None,
    ]


def test_of_no_measurements_nothing_is_found(many):
    assert many.find_many([]) == {}


def test_a_record_in_the_middle_of_a_session_is_a_commit_of_its_own_that_the_session_sees(many, openings):
    with many.session() as session:
        assert session.trainings(["t3"]) == {}
        many.record_training(a_training("t3"), [], weights())
        assert set(session.trainings(["t1", "t3"])) == {"t1", "t3"}
        assert many.query("from trainings").num_rows == 3
    assert openings == ["look up", "write", "look up", "query"]


def test_a_session_of_a_store_that_is_not_there_finds_nothing_and_makes_nothing(store):
    with store.session() as session:
        assert (session.find_many(["m"]), session.trainings(["t"])) == ({}, {})
    assert not store.path.exists()


def test_another_process_can_write_as_soon_as_a_session_has_ended(many):
    with many.session() as session:
        session.trainings(["t1"])
    script = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create table t (a int)'); print('ready')"
    with python(script, many.path / "results.duckdb") as process:
        assert process.communicate(timeout=60)[0] == "ready\n"


def test_a_session_that_fails_lets_go_of_the_file(many, openings):
    with suppress(KeyError), many.session() as session:
        session.trainings(["t1"])
        raise KeyError
    many.record_training(a_training("t3"), [], weights())
    assert openings == ["look up", "write"]


# What the database or the disk says


def test_what_the_database_says_of_reading_is_one_sentence(many):
    with duckdb.connect(many.path / "results.duckdb") as connection:
        connection.execute("drop view study_results; drop view results; drop table measured_values")
    with pytest.raises(StoreError, match=r"^store '.+' cannot be read: Catalog Error: [^\n]+$"):
        many.find_many(["m-t1"])


def test_what_the_database_says_of_writing_is_one_sentence(many):
    with duckdb.connect(many.path / "results.duckdb") as connection:
        connection.execute("drop view study_results; drop view results; drop table measured_values")
    with pytest.raises(StoreError, match=r": store '.+' cannot be written: Catalog Error: [^\n]+$"):
        many.record_measurement(a_measurement("m9", training=None), a_result(9))


def test_what_the_disk_says_of_a_file_is_one_sentence(tmp_path):
    (tmp_path / "arrays").write_text("a file")
    with pytest.raises(StoreError, match=r"^a file in '.+/arrays/deeper' cannot be written: [^\n]+$"):
        write_arrays(tmp_path / "arrays" / "deeper", "t", weights())


def test_a_folder_of_locks_that_cannot_be_made_is_one_sentence(many):
    (many.path / "locks").write_text("a file")
    with pytest.raises(StoreError, match=r"^store '.+' cannot be written: File exists$"), many.working_on("t9"):
        pass


def test_what_goes_wrong_beside_the_store_is_no_error_of_the_store(many):
    for held in (many.session, many.burst):
        with pytest.raises(FileNotFoundError), held():
            raise FileNotFoundError("data.npz")


def test_a_lock_file_that_cannot_be_made_is_one_sentence(many):
    (many.path / "results.lock").unlink(missing_ok=True)
    (many.path / "results.lock").mkdir()
    with pytest.raises(StoreError, match=r"^store '.+' cannot be read: [^\n]+$"), many.session():
        pass


def test_a_store_that_was_opened_before_and_is_newer_now_is_refused(many):
    many.training("t1")
    with duckdb.connect(many.path / "results.duckdb") as connection:
        connection.execute("insert into schema_version values (99, now()::timestamp)")
    with pytest.raises(StoreError, match="has schema 99, and this vaehub knows schemas up to"):
        many.training("t1")


def test_a_store_that_was_opened_before_and_is_none_now_is_refused(many):
    many.training("t1")
    with duckdb.connect(many.path / "results.duckdb") as connection:
        connection.execute("drop table schema_version")
    with pytest.raises(StoreError, match="is a DuckDB database but no vaehub store"):
        many.training("t1")


def test_of_a_store_one_query_reads_the_version(many, monkeypatch):
    monkeypatch.setattr(schema, "version_of", lambda _: pytest.fail("all of the schema was read"))
    many.training("t1")


def test_what_is_served_in_a_row_is_looked_up_and_stays(many):
    with many.serving(), many.session() as session:
        many.record_measurement(a_measurement("m9", training=None), a_result(9))
        assert list(session.find_many(["m9", "none"])) == ["m9"]
        many.record_measurement(a_measurement("m10", training=None), a_result(9))
    assert many.find_many(["m9", "m10"]).keys() == {"m9", "m10"}
    assert not (many.path / "results.duckdb.wal").exists()


def test_serving_reaches_nothing_but_the_store_and_ends_with_its_engine(many, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with many.serving(), many.session() as session, session._database.reading() as connection:
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"select * from '{tmp_path}/secret.csv'")
        with pytest.raises(duckdb.Error):
            connection.execute("set enable_external_access = true")
    # What is kept for the next who writes is another.
    other = Store.open(tmp_path / "other")
    other.record_measurement(a_measurement("m1", training=None), a_result(1))
    assert other.find_many(["m1"])


def test_whoever_serves_knows_that_another_waits(many):
    with many.serving():
        assert not many.is_awaited
        with turns._ticket(many.path / "turns"):  # as another process draws one
            assert many.is_awaited
        assert not many.is_awaited


def test_a_ticket_of_the_dead_makes_nobody_wait(many):
    """One of before the computer lost power, whose clock was ahead of today's."""
    with many.serving():
        old = many.path / "turns" / f"{'9' * 20}-1-abcd{turns.SUFFIX}"
        os.mkfifo(old)
        assert not many.is_awaited
        assert not old.exists()
