"""Checkpoints in files."""

import pytest
import torch

from vaehub import StoreError
from vaehub.core.errors import NotRecorded
from vaehub.store.checkpoint import FileCheckpoint
from vaehub.training.loop import TrainingState

STATE = TrainingState(
    {"model/w": torch.arange(3.0), "model/n": torch.tensor(2)}, {"steps": 3, "best_loss": float("inf")}
)


def test_a_state_comes_back_bit_for_bit(tmp_path):
    FileCheckpoint(tmp_path / "c.h5", every=0).save(STATE)
    found = FileCheckpoint(tmp_path / "c.h5").load()
    assert found.plain == STATE.plain
    assert all(torch.equal(found.tensors[name], STATE.tensors[name]) for name in STATE.tensors)
    assert found.tensors["model/n"].dtype == torch.int64


def test_there_may_be_none(tmp_path):
    assert FileCheckpoint(tmp_path / "c.h5").load() is None


def test_a_recent_one_is_not_replaced(tmp_path):
    checkpoint = FileCheckpoint(tmp_path / "c.h5", every=60)
    checkpoint.save(STATE)
    assert checkpoint.load() is None


def test_it_is_gone_when_the_training_has_ended(tmp_path):
    checkpoint = FileCheckpoint(tmp_path / "c.h5", every=0)
    checkpoint.save(STATE)
    checkpoint.discard()
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_deleted_says_so_in_a_sentence(tmp_path):
    (tmp_path / "c.h5").mkdir()
    with pytest.raises(StoreError, match=r"^checkpoint .*c.h5 cannot be deleted: "):
        FileCheckpoint(tmp_path / "c.h5").discard()


def test_a_damaged_one_is_refused_and_not_passed_over(tmp_path):
    (tmp_path / "c.h5").write_bytes(b"half a file")
    with pytest.raises(StoreError, match=r"checkpoint .*c.h5 is damaged .*delete it to train from the start"):
        FileCheckpoint(tmp_path / "c.h5").load()


def test_one_that_cannot_be_written_stops_a_training_that_has_begun(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(NotRecorded, match="^the training stopped because checkpoint .* cannot be written: "):
        FileCheckpoint(tmp_path / "taken" / "c.h5", every=0).save(STATE)


def test_a_state_is_due_when_the_last_one_is_no_longer_recent(tmp_path):
    assert FileCheckpoint(tmp_path / "c.h5", every=0).is_due
    assert not FileCheckpoint(tmp_path / "c.h5", every=60).is_due
