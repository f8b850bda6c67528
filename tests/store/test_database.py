import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from stored_samples import running

from vaehub.core.errors import StoreError
from vaehub.store.database import Database
from vaehub.store.schema import VERSION, migrate, version_of

pytestmark = pytest.mark.usefixtures("made_by_migrations")

# Adds a song while it holds the file, so that whoever waited for it can see that it did.
HOLD = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    print("ready", flush=True)
    time.sleep(float(sys.argv[2]))
    connection.execute("insert into songs values ('from another process')")
"""


@pytest.fixture
def path(tmp_path):
    """The file of a store, with one more table to write to."""
    made = tmp_path / "results.duckdb"
    with duckdb.connect(made) as connection:
        migrate(connection)
        connection.execute("create table songs (title varchar)")
    return made


def add(connection, title):
    connection.execute("insert into songs values (?)", [title])


def songs(database):
    with database.reading() as connection:
        return [title for (title,) in connection.execute("from songs order by title").fetchall()]


# Interruptions

SLOW = "select count(*) from range(100000) as a, range(100000) as b where (a.range * b.range) % 7 = 3"


@pytest.fixture
def interrupted_soon():
    """A function after which this process is interrupted, as by Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers = []

    def soon():
        timers.append(threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

    yield soon
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("how", ["reading", "held"])
def test_an_interruption_during_a_query_is_one(path, how, interrupted_soon):
    def ask():
        with getattr(database, how)() as connection:
            interrupted_soon()
            connection.execute(SLOW).fetchall()

    database = Database(path, 1.0)
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert songs(database) == []


def test_what_was_being_written_when_interrupted_is_not_there(path, interrupted_soon):
    def write():
        with database.writing() as connection:
            add(connection, "one")
            interrupted_soon()
            connection.execute(SLOW).fetchall()

    database = Database(path, 1.0)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert songs(database) == []


def test_an_interruption_just_after_a_commit_is_one_and_takes_nothing_back(path):
    def write():
        with database.writing() as connection:
            add(connection, "one")
            connection.commit()
            raise KeyboardInterrupt

    database = Database(path, 1.0)
    with pytest.raises(KeyboardInterrupt):
        write()
    assert songs(database) == ["one"]


def test_another_error_in_the_middle_of_a_query_stays_what_it_is(path):
    with pytest.raises(RuntimeError, match="something else"), Database(path, 1.0).reading():
        raise RuntimeError("something else")


# Who may


def test_what_is_written_can_be_read(path):
    database = Database(path, 1.0)
    with database.writing() as connection:
        add(connection, "one")
    assert songs(database) == ["one"]


@pytest.mark.parametrize("opened", [Database.reading, Database.querying])
def test_reading_cannot_write(path, opened):
    with opened(Database(path, 1.0)) as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        add(connection, "one")


@pytest.mark.parametrize("opened", [Database.reading, Database.querying])
@pytest.mark.parametrize("name", ["beside.csv", "elsewhere/secret.csv"])
def test_reading_cannot_reach_files(path, tmp_path, opened, name):
    secret = tmp_path / name
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("a\n1\n")
    with opened(Database(path, 1.0)) as connection, pytest.raises(duckdb.PermissionException):
        connection.execute(f"from '{secret}'")


@pytest.mark.parametrize("ending", [".wal", ".wal.checkpoint", ".wal.recovery"])
def test_look_ups_reach_the_logs_that_a_killed_process_leaves(path, ending):
    log = path.with_name(f"{path.name}{ending}")
    with Database(path, 1.0).reading() as connection:
        log.write_bytes(b"log")
        [(content,)] = connection.execute(f"select content from read_blob('{log}')").fetchall()
    log.unlink()
    assert content == b"log"


@pytest.mark.parametrize(("opened", "words"), [(Database.reading, "running"), (Database.querying, "locked")])
def test_reading_cannot_lift_its_own_limits(path, opened, words):
    with opened(Database(path, 1.0)) as connection, pytest.raises(duckdb.InvalidInputException, match=words):
        connection.execute("set enable_external_access = true")


def test_look_ups_start_one_engine_and_queries_one_each(path, monkeypatch):
    database, started = Database(path, 1.0), []
    with database.reading() as connection:
        first = connection
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: started.append(1))
    for _ in range(3):
        with database.reading() as connection:
            assert connection is first
    assert not started
    monkeypatch.undo()
    with database.querying() as connection:
        assert connection is not first


def test_an_engine_that_met_an_error_is_not_used_again(path):
    database = Database(path, 1.0)
    with pytest.raises(duckdb.ParserException), database.reading() as first:
        first.execute("no SQL")
    with pytest.raises(duckdb.ConnectionException):
        first.execute("select 1")
    with database.reading() as second:
        assert second.execute("select 1").fetchall() == [(1,)]


def test_a_file_that_took_the_place_of_another_is_read_anew(path, tmp_path):
    database = Database(path, 1.0)
    with database.writing() as connection:
        add(connection, "one")
    assert songs(database) == ["one"]
    other = Database(tmp_path / "other.duckdb", 1.0)
    with other.writing() as connection:
        connection.execute("create table songs (title varchar)")
        add(connection, "two")
    other.path.replace(path)
    assert songs(database) == ["two"]


def test_no_file_stays_open_after_reading_or_writing(path):
    database = Database(path, 1.0)
    with database.writing() as connection:
        add(connection, "one")
    songs(database)
    # Another process can write at once.
    with running(HOLD, path, 0) as process:
        assert process.wait(timeout=30) == 0


# Transactions


def add_and_fail(database, *titles, statement="select 1"):
    with database.writing() as connection:
        for title in titles:
            add(connection, title)
        connection.execute(statement)
        raise KeyError


def test_writing_takes_back_everything_when_an_exception_leaves_it(path):
    database = Database(path, 1.0)
    with pytest.raises(KeyError):
        add_and_fail(database, "one", "two")
    assert songs(database) == []


def test_writing_takes_back_everything_when_a_statement_fails(path):
    database = Database(path, 1.0)
    with pytest.raises(duckdb.ConversionException):
        add_and_fail(database, "one", statement="select 'one'::integer")
    assert songs(database) == []


def test_writing_goes_on_after_a_failure(path):
    database = Database(path, 1.0)
    with pytest.raises(KeyError):
        add_and_fail(database, "two")
    with database.writing() as connection:
        add(connection, "one")
    assert songs(database) == ["one"]


def test_in_a_burst_every_transaction_stands_for_itself(path):
    database = Database(path, 1.0)
    with database.held():
        with database.writing() as connection:
            add(connection, "one")
        with pytest.raises(KeyError):
            add_and_fail(database, "two")
    assert songs(database) == ["one"]


def test_a_burst_sees_what_it_has_written(path):
    database = Database(path, 1.0)
    with database.held():
        with database.writing() as connection:
            add(connection, "one")
        assert songs(database) == ["one"]


def test_the_database_knows_whether_it_is_held(path):
    database = Database(path, 1.0)
    seen = [database.is_held]
    with database.held():
        seen.append(database.is_held)
    assert [*seen, database.is_held] == [False, True, False]


# Other processes


def test_reading_waits_for_another_process_that_writes(path):
    with running(HOLD, path, 0.5):
        assert songs(Database(path, 30.0)) == ["from another process"]


def test_writing_waits_for_another_process_that_writes(path):
    database = Database(path, 30.0)
    with running(HOLD, path, 0.5), database.writing() as connection:
        # The other process has ended with its song, or this one could not have begun.
        assert connection.execute("from songs").fetchall() == [("from another process",)]


def test_a_file_that_stays_locked_is_given_up_and_the_other_process_named(path):
    with running(HOLD, path, 60) as process:
        words = (
            rf"^store '.+' has been locked by another process \({process.pid}\) for more than 0\.2 s; "
            r"wait until it is done, or raise VAEHUB_LOCK_TIMEOUT$"
        )
        with pytest.raises(StoreError, match=words), Database(path, 0.2).reading():
            pass


def test_a_file_that_stays_locked_is_not_given_up_before_its_time(path):
    with running(HOLD, path, 60):
        started = time.monotonic()
        with pytest.raises(StoreError), Database(path, 0.4).writing():
            pass
        assert time.monotonic() - started >= 0.4


def test_the_lock_of_a_killed_process_is_gone(path):
    with running(HOLD, path, 60) as process:
        process.kill()
        process.wait()
        assert songs(Database(path, 1.0)) == []


# Threads


def test_threads_of_one_process_take_turns(path):
    # Each thread has its own Database, as each Store has; DuckDB alone would refuse a reader beside a writer.
    def work(name):
        database = Database(path, 30.0)
        for each in range(8):
            with database.writing() as connection:
                add(connection, f"{name} {each}")
            assert f"{name} {each}" in songs(database)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, "abcd"))
    assert songs(Database(path, 1.0)) == sorted(f"{name} {each}" for name in "abcd" for each in range(8))


# Files that are no store


def test_an_empty_database_becomes_a_store_when_it_is_first_read(tmp_path):
    duckdb.connect(tmp_path / "results.duckdb").close()
    with Database(tmp_path / "results.duckdb", 1.0).reading() as connection:
        assert version_of(connection) == VERSION


def test_writing_makes_the_file(tmp_path):
    with Database(tmp_path / "results.duckdb", 1.0).writing() as connection:
        assert version_of(connection) == VERSION


NEWER = rf"has schema {VERSION + 1}, and this vaehub knows schemas up to {VERSION}; upgrade vaehub to use it$"


@pytest.mark.parametrize("opened", [Database.reading, Database.writing, Database.held])
def test_a_newer_store_is_refused_and_left_unchanged(path, opened):
    with duckdb.connect(path) as connection:
        connection.execute("insert into schema_version values (?, now()::timestamp)", [VERSION + 1])
    before = path.read_bytes()
    with pytest.raises(StoreError, match=NEWER), opened(Database(path, 1.0)):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "create table songs (title varchar)",
        "create schema music; create table music.songs (title varchar)",
        "create view songs as select 'one' as title",
        # Other programs number their schemas, too.
        "create table schema_version (installed_rank integer, script varchar)",
        "create table schema_version (version integer)",
        "create table schema_version (version integer); insert into schema_version values (1)",
    ],
)
@pytest.mark.parametrize("opened", [Database.reading, Database.writing])
def test_a_database_that_is_no_store_is_refused_and_left_unchanged(tmp_path, content, opened):
    path = tmp_path / "results.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(content)
    before = path.read_bytes()
    words = r"results\.duckdb is a DuckDB database but no vaehub store; name another with '--store'$"
    with pytest.raises(StoreError, match=words), opened(Database(path, 1.0)):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("folder", ["store", "blocks"])  # DuckDB's message names the path
@pytest.mark.parametrize("content", [b"no database", b"no database" * 2000])
def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path, folder, content):
    path = tmp_path / folder / "results.duckdb"
    path.parent.mkdir()
    path.write_bytes(content)
    words = r"results\.duckdb cannot be opened as a database: [^\n]+$"
    with pytest.raises(StoreError, match=words), Database(path, 0.2).reading():
        pass


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "results.duckdb").mkdir()
    words = r"results\.duckdb cannot be opened as a database: "
    with pytest.raises(StoreError, match=words), Database(tmp_path / "results.duckdb", 0.2).writing():
        pass
