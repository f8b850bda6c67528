"""Disks fail, folders fill up, and other programs leave things behind."""

import os
import time

import duckdb
import pytest
import torch
from stored_samples import a_measurement, a_training, weights

from vaehub.core.errors import StoreError
from vaehub.core.result import Result
from vaehub.store.checkpoint import FileCheckpoint
from vaehub.store.verify import SAFE_AGE, sweep
from vaehub.training.loop import TrainingState

STATE = TrainingState(
    {"model/encoder.weight": torch.arange(12.0).reshape(3, 4), "optimiser/0/step": torch.tensor(3.0)},
    {"steps": 3, "history": [{"index": 0, "losses": {"train": {"total": 1.5}}}]},
)
LONG_AGO = time.time() - SAFE_AGE - 60


def same_state(one, other):
    return (
        one.plain == other.plain
        and one.tensors.keys() == other.tensors.keys()
        and all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    )


@pytest.fixture
def checkpoint(tmp_path):
    made = FileCheckpoint(tmp_path / "c.h5", every=0.0)
    made.save(STATE)
    return made


# Checkpoints


def test_a_checkpoint_with_one_damaged_byte_is_refused_or_none_the_worse(checkpoint):
    content = checkpoint.path.read_bytes()
    for at in range(0, len(content), 7):
        checkpoint.path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            found = checkpoint.load()
        except StoreError:
            continue
        assert same_state(found, STATE), f"byte {at} changed the state, and nobody said so"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_that_was_cut_short_is_refused(checkpoint, share):
    content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StoreError, match=r"^checkpoint .*c\.h5 is damaged \(.+\); delete it to train from the start$"):
        checkpoint.load()


def test_a_checkpoint_is_written_again_once_it_is_old_enough(tmp_path):
    checkpoint = FileCheckpoint(tmp_path / "c.h5", every=0.3)
    checkpoint.save(STATE)
    assert not checkpoint.path.exists()
    time.sleep(0.35)
    checkpoint.save(STATE)
    written = checkpoint.path.stat().st_mtime_ns
    checkpoint.save(STATE)
    assert checkpoint.path.stat().st_mtime_ns == written


def test_a_checkpoint_replaces_the_one_before(checkpoint, tmp_path):
    later = TrainingState({"model/encoder.weight": torch.zeros(2)}, {"steps": 4})
    checkpoint.save(later)
    assert same_state(checkpoint.load(), later)
    assert list(tmp_path.iterdir()) == [checkpoint.path]


def test_discarding_a_checkpoint_that_is_not_there_is_fine(tmp_path):
    FileCheckpoint(tmp_path / "none" / "c.h5").discard()
    assert list(tmp_path.iterdir()) == []


def test_each_training_has_a_checkpoint_of_its_own(store):
    store.checkpoint("t1").save(STATE)
    assert store.checkpoint("t1").path != store.checkpoint("t2").path
    assert store.path in store.checkpoint("t1").path.parents


# What verification finds


@pytest.fixture
def pair(store):
    """A store with two trainings and a measurement of the pair."""
    store.prepare()
    for name in ("t1", "t2"):
        store.record_training(a_training(name), [{"train": {"total": 1.0}}], weights())
    store.record_measurement(a_measurement("m1", other="t2"), Result({"cka": 1.0}))
    return store


def tamper(store, *statements):
    with duckdb.connect(store.path / "results.duckdb") as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_pair_whose_trainings_are_there_is_whole(pair):
    assert pair.verify().problems == ()


@pytest.mark.parametrize("gone", ["t1", "t2"])
def test_a_pair_that_has_lost_a_training_is_found(pair, gone):
    tables = (("trainings", "id"), ("epochs", "training"), ("arrays", "owner"))
    tamper(pair, *(f"delete from {table} where {column} = '{gone}'" for table, column in tables))
    assert pair.verify().problems == ("1 measurements of trainings that are not stored",)


def test_weights_that_point_at_the_file_of_another_training_are_found(pair):
    tamper(pair, "update trainings set weights = (select weights from trainings where id = 't2') where id = 't1'")
    assert pair.verify().problems == ("1 finished trainings without weights",)


def test_every_damage_is_found_and_not_only_the_first(pair):
    for path in (pair.path / "arrays").iterdir():
        path.unlink()
    tamper(pair, "delete from provenance", "insert into epochs values ('t9', 0, 'train', 'total', 1)")
    assert len(pair.verify().problems) == 4


def test_a_lost_folder_of_files_is_found(pair):
    (pair.path / "arrays").rename(pair.path / "arrays before")
    assert [problem.rpartition(" ")[2] for problem in pair.verify().problems] == ["missing", "missing"]


def test_verifying_changes_nothing(pair):
    (pair.path / "arrays" / "left.partial").write_bytes(b"half")
    before = {path: path.read_bytes() for path in pair.path.rglob("*") if path.is_file()}
    pair.verify()
    assert {path: path.read_bytes() for path in pair.path.rglob("*") if path.is_file()} == before


# What is swept away


def test_old_files_that_something_points_at_are_never_swept(pair):
    for path in (pair.path / "arrays").iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    found = pair.verify(remove_leftovers=True)
    assert (found.problems, found.leftovers) == ((), ())
    assert pair.verify().problems == ()


def test_sweeping_says_how_many_files_it_deleted(tmp_path):
    old, young = tmp_path / "old", tmp_path / "young"
    for path in (old, young):
        path.touch()
    os.utime(old, (LONG_AGO, LONG_AGO))
    assert sweep((old, young), lambda record: False) == 1


def test_sweeping_passes_over_a_file_that_its_process_has_finished_meanwhile(pair):
    # Between being listed and being looked at, a partial file gets its name, as any running process may do to its own.
    partial = pair.path / "arrays" / "a.partial"
    partial.write_bytes(b"half")
    leftovers = pair.verify().leftovers
    partial.rename(pair.path / "arrays" / "a.h5")
    assert sweep(leftovers, lambda record: False) == 0


def test_sweeping_passes_over_folders_that_other_programs_left(pair):
    folder = pair.path / "arrays" / ".ipynb_checkpoints"
    folder.mkdir()
    os.utime(folder, (LONG_AGO, LONG_AGO))
    pair.verify(remove_leftovers=True)
    assert folder.is_dir()
