"""A checkpoint that is interrupted while it overwrites blocks: nothing that was recorded is lost."""

import errno
import os
import shutil

import duckdb
import pytest
from stored_samples import a_measurement, a_result, same_result

from vaehub.core.errors import StoreError
from vaehub.store import engine
from vaehub.store.store import Store
from vaehub.store.undo import Undo

pytestmark = pytest.mark.usefixtures("made_by_migrations")

BLOCK = 2**18
FIRST = 3 * 4096


def record(store, name):
    store.record_measurement(a_measurement(name, training=None), a_result())


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A store in the middle of the checkpoint of a second measurement, with half of each block that is overwritten."""
    store, path = Store.open(tmp_path / "store"), tmp_path / "interrupted"
    record(store, "m1")
    detach = engine.detach

    def detach_and_copy(connection, *, checkpoint=True, again=True):
        if not path.exists():
            shutil.copytree(store.path, path, ignore=shutil.ignore_patterns("turns"))
        detach(connection, checkpoint=checkpoint, again=again)

    monkeypatch.setattr(engine, "detach", detach_and_copy)
    record(store, "m2")
    monkeypatch.undo()
    before, after = ((each / "results.duckdb").read_bytes() for each in (path, store.path))
    blocks = range(FIRST, len(before), BLOCK)
    used = [at for at in blocks if before[at : at + BLOCK] != after[at : at + BLOCK]]
    assert used, "a checkpoint overwrites something"
    # Half of each block is what it will be; the headers are still the former ones.
    with (path / "results.duckdb").open("r+b") as file:
        for at in used:
            file.seek(at)
            file.write(after[at : at + BLOCK // 2 - 1000])
    return path


@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1 lays out its blocks otherwise here")
def test_without_its_undo_it_would_be_a_database_that_nothing_opens(interrupted):
    (interrupted / "results.undo").unlink()
    with pytest.raises(StoreError, match="cannot be opened as a database: .*checksum"):
        Store.open(interrupted).recent()


@pytest.mark.parametrize("first", ["read", "written"])
def test_what_was_recorded_before_and_with_it_is_there(interrupted, first):
    store = Store.open(interrupted)
    if first == "written":
        record(store, "m3")
    else:
        assert len(store.recent()[1]) == 2
        record(store, "m3")
    found = store.find_many(["m1", "m2", "m3"])
    assert all(same_result(found[each].result, a_result()) for each in ("m1", "m2", "m3"))
    assert store.verify().problems == ()
    with duckdb.connect(interrupted / "results.duckdb", read_only=True) as client:
        assert client.execute("select count(*) from measurements").fetchone() == (3,)


def test_it_may_be_interrupted_again_while_it_is_undone(interrupted, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: os._exit(3))
    pid = os.fork()
    if not pid:
        Store.open(interrupted).recent()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    monkeypatch.undo()
    assert len(Store.open(interrupted).recent()[1]) == 2


@pytest.mark.parametrize("left", [0, 20, 5000, 2**17])
def test_an_undo_that_was_not_written_to_its_end_is_none(tmp_path, left):
    store = Store.open(tmp_path / "store")
    record(store, "m1")
    database = store.path / "results.duckdb"
    undo, before = Undo(database), database.read_bytes()
    undo.begin()
    connection = engine.attach(database)
    undo.keep(connection)
    engine.detach(connection)
    undo.end()
    os.truncate(store.path / "results.undo", left)
    assert database.read_bytes() == before
    record(store, "m2")
    assert len(store.recent()[1]) == 2


def test_an_undo_is_of_one_state_of_one_database(tmp_path):
    stores = [Store.open(tmp_path / name) for name in "ab"]
    for store in stores:
        record(store, "m1")
        record(store, "m2")
    shutil.copy(stores[0].path / "results.undo", stores[1].path / "results.undo")
    for store in stores:
        before = (store.path / "results.duckdb").read_bytes()
        assert len(store.recent()[1]) == 2
        assert (store.path / "results.duckdb").read_bytes() == before


def test_where_there_is_no_room_for_an_undo_what_was_recorded_waits_in_the_log(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "store")
    record(store, "m1")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Undo, "keep", full)
        record(store, "m2")
        assert (store.path / "results.duckdb.wal").stat().st_size
        assert len(store.recent()[1]) == 2
    record(store, "m3")
    assert not (store.path / "results.duckdb.wal").exists()
    assert len(store.recent()[1]) == 3
    assert store.verify().problems == ()


def test_beside_a_path_without_a_log_each_commit_has_its_undo(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "what?" / "store")
    kept = []
    keep = Undo.keep
    monkeypatch.setattr(Undo, "keep", lambda self, connection: (kept.append(1), keep(self, connection)))
    record(store, "m1")
    n = len(kept)
    record(store, "m2")
    assert 0 < n < len(kept)
    assert len(store.recent()[1]) == 2
