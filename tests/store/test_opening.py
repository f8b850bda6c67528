"""Where a store is, and who works on what."""

import errno
import os
import subprocess
import sys
import time

import pytest

from vaehub import StoreError
from vaehub.store.store import Store

WORK = """
import sys, time
from vaehub.store.store import Store
with Store.open(sys.argv[1]).working_on("abc"):
    print("working", flush=True)
    time.sleep(60)
"""


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="is a file, and a store is a directory; name another with '--store'"):
        Store.open(tmp_path / "taken")


def test_the_environment_names_a_store(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEHUB_STORE", str(tmp_path / "there"))
    assert Store.open().path == tmp_path / "there"
    assert Store.open(tmp_path / "here").path == tmp_path / "here"


def test_a_store_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="cannot be made: Not a directory"):
        Store.open(tmp_path / "taken" / "below").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "closed" / "arrays").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o555)
    with pytest.raises(StoreError, match="is not writable"):
        Store.open(tmp_path / "closed").prepare()


def test_a_timeout_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("VAEHUB_LOCK_TIMEOUT", "soon")
    with pytest.raises(StoreError, match="VAEHUB_LOCK_TIMEOUT is 'soon' and should be a number of seconds"):
        Store.open()


def test_a_process_that_dies_lets_go_of_its_work(tmp_path):
    with subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=-1) as worker:
        assert worker.stdout.readline() == b"working\n"
        other = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=-1)
        time.sleep(0.5)
        os.set_blocking(other.stdout.fileno(), False)
        assert not other.stdout.read(), "two processes did the same work at once"
        worker.kill()
        os.set_blocking(other.stdout.fileno(), True)
        assert other.stdout.readline() == b"working\n"
        other.kill()
        other.communicate()


def test_a_disk_that_has_failed_can_still_be_read(tmp_path, monkeypatch):
    """The system says of it that it can be written, and refuses to make the ticket and the lock."""
    store = Store.open(tmp_path / "store")
    store.prepare()

    def refused(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("vaehub.store.database.turn", refused)
    assert store.query("select count(*) as n from measurements").to_pylist() == [{"n": 0}]
    assert store.verify().problems == ()
