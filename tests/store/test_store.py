"""The store as a whole: where it is, when it is made, who may do what at the same time."""

import contextvars
import errno
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest
from stored_samples import a_measurement, a_result, a_training, running, same_result, weights

from vaehub.core.errors import NotRecorded, StoreError, VaehubError
from vaehub.core.progress import listening
from vaehub.core.result import Result
from vaehub.store.store import Store

WORK = """
import sys, time
from vaehub.store.store import Store
with Store.open(sys.argv[1]).working_on(sys.argv[2]):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def prepared(store):
    store.prepare()
    return store


# Where it is, and when it is made


def test_a_store_is_in_the_present_folder_unless_said_otherwise():
    assert Store.open().path == Path("vaehub-store")


def test_a_path_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEHUB_STORE", str(tmp_path / "environment"))
    assert Store.open("given").path == Path("given")


def test_the_home_of_the_user_may_be_written_as_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store.open("~/there").path == tmp_path / "there"


def test_opening_and_looking_make_nothing(tmp_path):
    store = Store.open(tmp_path / "none")
    assert (store.exists, store.measurements_of("t1"), store.weights("t1")) == (False, [], {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("result", [Result({"n": 1}), a_result()], ids=["numbers", "numbers and arrays"])
def test_the_first_measurement_makes_the_store(store, result):
    store.record_measurement(a_measurement(), result)
    assert same_result(store.result("m1"), result)


@pytest.mark.parametrize(
    ("status", "kept"), [("done", weights()), ("failed", None)], ids=["that succeeded", "that failed"]
)
def test_the_first_training_makes_the_store(store, status, kept):
    store.record_training(a_training(status=status), [], kept)
    assert store.training("t1").status == status


def test_preparing_makes_a_store_without_records(store):
    store.prepare()
    assert store.exists
    assert store.recent() == ([], [])


def test_preparing_twice_keeps_what_is_there(filled):
    before = filled.recent()
    filled.prepare()
    assert filled.recent() == before


@pytest.mark.parametrize("path", ["/proc/none/store", "/dev/null/store"])
def test_a_store_in_a_place_that_takes_no_folders_cannot_be_made(path):
    with pytest.raises(StoreError, match=rf"^store '{path}' cannot be made: "):
        Store.open(path).prepare()


PREPARE = """
import os, sys
import duckdb, vaehub.store.store as s
if os.geteuid() == 0:
    os.setuid(65534)  # the superuser may write everywhere, nobody may not
try:
    s.Store.open(sys.argv[1]).prepare()
except s.StoreError as error:
    print(error)
"""


def test_a_store_that_may_not_be_written_is_refused_before_any_work():
    # A folder that anybody can reach, which pytest's are not.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "store" / "arrays").mkdir(parents=True)
        (Path(folder) / "store").chmod(0o555)
        command = [sys.executable, "-c", PREPARE, f"{folder}/store"]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        (Path(folder) / "store").chmod(0o755)
    assert found.stdout == f"store '{folder}/store' is not writable; name another with '--store'\n"


@pytest.mark.parametrize("patience", ["soon", "1 s", "nan"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(monkeypatch, patience):
    monkeypatch.setenv("VAEHUB_LOCK_TIMEOUT", patience)
    with pytest.raises(StoreError, match=rf"^VAEHUB_LOCK_TIMEOUT is '{patience}' and should be a number of seconds$"):
        Store.open()


HOLD = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1]):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_environment_says_how_long_to_wait_for_another_process(filled, monkeypatch):
    monkeypatch.setenv("VAEHUB_LOCK_TIMEOUT", "0.125")
    with running(HOLD, filled.path / "results.duckdb"), pytest.raises(StoreError, match=r"for more than 0\.125 s"):
        Store.open(filled.path).recent()


def test_a_store_can_be_moved(filled, tmp_path):
    [training], [measurement] = filled.recent()
    moved = Store.open(filled.path.rename(tmp_path / "elsewhere"))
    assert moved.verify().problems == ()
    assert moved.weights(training.id).keys() == {"encoder.weight", "n"}
    assert np.array_equal(moved.result(measurement.id).arrays["matrix"], np.eye(2))


# Arrays that are not what they were


def only_file(store, kind):
    [path] = (store.path / "arrays").glob(f"{kind}-*")
    return path


def test_weights_that_are_missing_are_an_error_and_not_empty(filled):
    [training], _ = filled.recent()
    only_file(filled, "training").unlink()
    with pytest.raises(StoreError, match=r"\.h5 is missing; 'vaehub verify' shows all that is, and what made it"):
        filled.weights(training.id)


def test_a_result_whose_arrays_are_damaged_is_an_error(filled):
    _, [measurement] = filled.recent()
    path = only_file(filled, "measurement")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"\.h5 is damaged: its sha256 should be [0-9a-f]{64}; what made it makes"):
        filled.result(measurement.id)


# Names of records


def test_the_beginning_of_a_measurements_id_names_it(prepared):
    prepared.record_measurement(a_measurement("abc123"), Result())
    assert prepared.resolve("abc") == ("measurement", "abc123")


def test_a_whole_id_names_a_record_even_if_others_begin_with_it(prepared):
    prepared.record_training(a_training("abc"), [], weights())
    assert prepared.resolve("abc") == ("training", "abc")


def test_a_beginning_that_a_training_and_a_measurement_share_names_neither(prepared):
    prepared.record_training(a_training("abc1"), [], weights())
    prepared.record_measurement(a_measurement("abc2"), Result())
    words = r"^2 records have an id that begins with 'ab' \(abc1, abc2 …\); give more of it$"
    with pytest.raises(VaehubError, match=words):
        prepared.resolve("ab")


@pytest.mark.parametrize("prefix", ["x", "", "%", "a' or 'a"])
def test_a_beginning_of_no_record_names_none(prepared, prefix):
    prepared.record_measurement(a_measurement("abc"), Result())
    with pytest.raises(VaehubError, match=r"^nothing in store '.*' has an id that begins with .*; see 'vaehub show'$"):
        prepared.resolve(prefix)


# Bursts


def test_a_failure_in_a_burst_keeps_what_was_recorded_before(prepared):
    def record_and_fail():
        with prepared.burst():
            prepared.record_measurement(a_measurement(), a_result())
            raise KeyError

    with pytest.raises(KeyError):
        record_and_fail()
    assert same_result(prepared.result("m1"), a_result())


def test_a_burst_makes_the_store(store):
    with store.burst():
        store.record_measurement(a_measurement(), Result({"n": 1}))
    assert store.result("m1").scalars == {"n": 1}


def test_a_query_in_the_middle_of_a_burst_is_refused(prepared):
    with prepared.burst(), pytest.raises(StoreError, match=r"^a query cannot be asked in the middle of a burst of rec"):
        prepared.query("select 1")


# Threads


def test_threads_record_and_query_one_store_at_once(prepared):
    def record(name):
        for n in range(6):
            prepared.record_measurement(a_measurement(f"{name}{n}", training=None), a_result(n))

    def query():
        # Whatever is seen is seen whole: two scalars, two vectors and a table of five values each.
        for _ in range(12):
            found = prepared.query("select count(*) as n from results group by measurement").to_pylist()
            assert {row["n"] for row in found} <= {17}

    with ThreadPoolExecutor(4) as threads:
        works = [threads.submit(record, "a"), threads.submit(query), threads.submit(record, "b"), threads.submit(query)]
    for work in works:
        work.result()
    assert prepared.query("select count(*) as n from results").to_pylist() == [{"n": 12 * 17}]
    assert prepared.verify().problems == ()


def test_a_query_waits_for_the_burst_of_another_thread(prepared):
    with ThreadPoolExecutor(1) as threads:
        with prepared.burst():
            asked = threads.submit(prepared.query, "select count(*) as n from measurements")
            wait([asked], timeout=0.3)
            prepared.record_measurement(a_measurement(), Result({"n": 1}))
        assert asked.result().to_pylist() == [{"n": 1}]


# Work that is done once


def test_work_that_another_process_does_is_waited_for_until_it_dies(prepared):
    entered = threading.Event()

    def work():
        with prepared.working_on("abc"):
            entered.set()

    with running(WORK, prepared.path, "abc") as process:
        waiting = threading.Thread(target=work)
        waiting.start()
        assert not entered.wait(0.5)
        process.kill()
        assert entered.wait(30)
        waiting.join()


def test_work_that_another_process_does_is_announced_while_it_is_waited_for(prepared):
    labels = []

    class Listener:
        @contextmanager
        def begin(self, label, total):
            labels.append(label)
            yield lambda amount, note="": None

    def work():
        with listening(Listener()), prepared.working_on("abcdefghij"):
            labels.append("working")

    with running(WORK, prepared.path, "abcdefghij") as process:
        waiting = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        waiting.start()
        waiting.join(0.5)
        process.kill()
        waiting.join(30)
    assert labels == ["waiting for another process that makes abcdefgh", "working"]


def test_work_on_one_record_does_not_keep_others_from_another(prepared):
    with running(WORK, prepared.path, "abc"), prepared.working_on("abd"):
        assert (prepared.path / "locks" / "abd.lock").is_file()


def test_work_that_fails_lets_go(prepared):
    with pytest.raises(KeyError), prepared.working_on("abc"):
        raise KeyError
    with running(WORK, prepared.path, "abc") as process:
        assert process.poll() is None


def test_the_database_is_free_while_somebody_works(prepared):
    with running(WORK, prepared.path, "abc"), duckdb.connect(prepared.path / "results.duckdb") as connection:
        assert connection.execute("select count(*) from measurements").fetchall() == [(0,)]


# A disk that fails while work is done, so that nothing on it can be written any more


@pytest.fixture
def failing(monkeypatch):
    """Refuse, from when it is called, to open a file to be written and to delete one."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    def begin():
        opened = os.open
        monkeypatch.setattr(
            os, "open", lambda path, flags, *more: (refuse if flags & os.O_ACCMODE else opened)(path, flags, *more)
        )
        monkeypatch.setattr(Path, "unlink", refuse)

    return begin


def test_a_record_that_fails_with_its_disk_is_not_recorded_though_its_file_stays(prepared, failing, monkeypatch):
    def insert(*_, **__):
        failing()
        raise StoreError("store 'it' cannot be written: Read-only file system")

    monkeypatch.setattr(prepared._session, "insert_measurement", insert)
    with pytest.raises(NotRecorded, match=r"was made, but could not be recorded: .* Read-only file system$"):
        prepared.record_measurement(a_measurement(), a_result())


def test_what_is_recorded_before_its_disk_fails_is_done(prepared, failing):
    with prepared.working_on("abc"):
        failing()
    assert not prepared.is_worked_on("abc")


def test_a_store_that_cannot_be_written_says_what_is_worked_on(prepared, failing):
    (prepared.path / "locks").mkdir()
    (prepared.path / "locks" / "left.lock").touch()
    with running(WORK, prepared.path, "abc"):
        failing()
        assert prepared.is_worked_on("abc")
        assert not prepared.is_worked_on("left")
        assert not prepared.is_worked_on("none")
