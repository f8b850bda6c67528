"""Progress: silent unless somebody listens."""

from contextlib import contextmanager

from vaehub import task
from vaehub.core.progress import listening


class Ear:
    def __init__(self):
        self.heard = []

    @contextmanager
    def begin(self, label, total):
        self.heard.append((label, total))
        yield lambda amount, note="": self.heard.append((amount, note))
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
