"""A disk that fills up at any moment costs the record that was being made, and says so."""

import subprocess
from contextlib import ExitStack

import duckdb
import numpy as np
import pytest
from small_disk import can_mount, fill, small_disk
from stored_samples import a_measurement, a_result, a_training, same_result, weights

from vaehub.core.errors import NotRecorded, StoreError
from vaehub.store.migrations import MIGRATIONS
from vaehub.store.schema import VERSION, migrate
from vaehub.store.store import Store

pytestmark = [
    pytest.mark.usefixtures("made_by_migrations"),
    pytest.mark.slow,
    pytest.mark.skipif(not can_mount(), reason="only root can mount a small disk"),
]
KIB = 1024


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    with ExitStack() as stack:
        try:
            stack.enter_context(small_disk(tmp_path, 12 * KIB * KIB))
        except OSError as error:
            pytest.skip(str(error))
        yield tmp_path


@pytest.mark.parametrize("free", [0, 4, 8, 16, 32, 64, 100, 200, 300, 600])
def test_nothing_recorded_is_lost_and_what_could_not_be_is_said(disk, free):
    store = Store.open(disk / "store")
    store.prepare()
    store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
    filling = fill(disk, free=free * KIB)
    recorded = []
    words = r"^measurement m\d+ was made, but could not be recorded: [^\n]*"
    with pytest.raises(NotRecorded, match=words) as caught:  # noqa: PT012 which one fails, the disk decides
        for n in range(1000):
            store.record_measurement(a_measurement(f"m{n}"), a_result(n, 200))
            recorded.append(n)
    assert "rollback" not in str(caught.value)
    with pytest.raises(NotRecorded, match=r"^training t2 was made, but could not be recorded: .*No space left"):
        store.record_training(a_training("t2"), [], {"w": np.zeros(200_000)})
    # It can still be read.
    [row] = store.query("select count(*) as n from measurements").to_pylist()
    assert row["n"] == len(recorded)
    filling.unlink()
    found = store.verify()
    assert (found.problems, found.leftovers) == ((), ())
    assert all(same_result(store.result(f"m{n}"), a_result(n, 200)) for n in recorded)
    assert store.record_measurement(a_measurement("after"), a_result())


@pytest.mark.parametrize("free", [0, 8, 16, 64, 200])
def test_a_store_that_cannot_be_made_for_want_of_space_is_one_sentence(disk, free):
    filling = fill(disk, free=free * KIB)
    with pytest.raises(StoreError, match=r"^[^\n]*cannot be [^\n]*$") as caught:  # noqa: PT012 as above
        for n in range(1000):
            Store.open(disk / f"store{n}").prepare()
    assert "rollback" not in str(caught.value)
    filling.unlink()
    Store.open(disk / f"store{0}").prepare()


def test_a_store_of_an_earlier_schema_on_a_disk_that_can_only_be_read_says_why(disk):
    (disk / "store").mkdir()
    with duckdb.connect(disk / "store" / "results.duckdb") as connection:
        migrate(connection, MIGRATIONS[:1])
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    words = (
        rf"^store '.+' has schema 1, which is read once it has been upgraded to {VERSION}, and it cannot be written "
        r"here; copy it to a place where it can$"
    )
    with pytest.raises(StoreError, match=words):
        Store.open(disk / "store").query("from results")
