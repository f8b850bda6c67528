"""What can go wrong, sorted by whose turn it is next."""

import pytest

from vaehub import DataError, StoreError, TrainingDiverged, VaehubError, WorkFailed


@pytest.mark.parametrize("error", [DataError, StoreError, WorkFailed, TrainingDiverged])
def test_whoever_catches_vaehub_errors_catches_all_of_them(error):
    assert issubclass(error, VaehubError)


@pytest.mark.parametrize("error", [DataError, StoreError])
def test_a_request_that_was_wrong_is_no_work_that_failed(error):
    assert not issubclass(error, WorkFailed)


def test_a_training_that_diverged_is_work_that_failed_in_an_epoch():
    error = TrainingDiverged("training diverged", epoch=3)
    assert isinstance(error, WorkFailed)
    assert (str(error), error.epoch) == ("training diverged", 3)
