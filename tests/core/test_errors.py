"""What can go wrong, sorted by whose turn it is next."""

import pytest

from vaehub import DataError, StoreError, TrainingDiverged, VaehubError, WorkFailed, first_line


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


@pytest.mark.parametrize(
    ("error", "words"),
    [(ValueError("no.\nmore"), "no"), (ValueError(""), "ValueError"), (KeyError("a"), "'a'")],
)
def test_of_an_error_a_sentence_takes_the_first_line(error, words):
    assert first_line(error) == words
