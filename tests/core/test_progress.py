"""Progress: silent unless somebody listens."""

from contextlib import contextmanager

import pytest

from vaehub import task
from vaehub.core.progress import listening


class Ear:
    def __init__(self):
        self.heard = []

    @contextmanager
    def begin(self, label, total):
        self.heard.append((label, total))
        try:
            yield lambda amount, note="": self.heard.append((amount, note))
        finally:
            self.heard.append("end")


def test_without_a_listener_nothing_is_printed(capfd):
    with task("work", 3) as advance:
        advance(1, note="fine")
    assert capfd.readouterr() == ("", "")


def test_a_listener_hears_begin_advance_and_end():
    ear = Ear()
    with listening(ear), task("work", 2) as advance:
        advance(1)
        advance(1, note="last")
    assert ear.heard == [("work", 2), (1, ""), (1, "last"), "end"]


def test_a_listener_hears_no_more_than_it_was_there_for():
    ear = Ear()
    with listening(ear):
        pass
    with task("later"):
        pass
    assert ear.heard == []


def test_work_without_an_end_in_sight_has_no_total():
    ear = Ear()
    with listening(ear), task("search"):
        pass
    assert ear.heard == [("search", None), "end"]


def test_a_listener_hears_the_end_of_work_that_failed():
    ear = Ear()
    with listening(ear), pytest.raises(RuntimeError, match="broken"), task("work"):
        raise RuntimeError("broken")
    assert ear.heard[-1] == "end"


def test_a_task_within_a_task_is_heard_between_its_begin_and_end():
    ear = Ear()
    with listening(ear), task("sweep", 1), task("training", 2):
        pass
    assert ear.heard == [("sweep", 1), ("training", 2), "end", "end"]


def test_the_listener_before_is_back_even_after_a_failure():
    outer, inner = Ear(), Ear()
    with listening(outer):
        with pytest.raises(RuntimeError, match="broken"), listening(inner):
            raise RuntimeError("broken")
        with task("after"):
            pass
    assert (outer.heard, inner.heard) == ([("after", None), "end"], [])
