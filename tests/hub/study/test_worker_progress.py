"""Tasks of workers are shown by the process that gave the job."""

from contextlib import contextmanager

import pytest

from vaehub.core.progress import listening
from vaehub.hub.study.worker_progress import INTERVAL, ShownTasks, TellingListener


class Watching:
    def __init__(self):
        self.events = []

    @contextmanager
    def begin(self, label, total):
        self.events.append(("begin", label, total))
        yield lambda amount, note="": self.events.append((label, amount, note))
        self.events.append(("end", label))


@pytest.fixture
def watching():
    found = Watching()
    with listening(found):
        yield found


def test_tasks_arrive_with_all_that_was_done_and_seldom(watching):
    sent, moments = [], [0.0]
    telling = TellingListener(sent.append, lambda: moments[0])
    with telling.begin("training", 10) as advance:
        with telling.begin("batches", None) as step:
            step(3)
        for at in range(1, 11):
            moments[0] = at * INTERVAL / 4.5
            advance(1, note=f"epoch {at}")
    shown = ShownTasks()
    for news in sent:
        shown.tell(news)
    assert watching.events == [
        ("begin", "training", 10),
        ("begin", "batches", None),
        ("batches", 3, ""),
        ("end", "batches"),
        ("training", 5, "epoch 5"),
        ("training", 5, "epoch 10"),
        ("end", "training"),
    ]


def test_tasks_of_a_worker_that_died_are_over(watching):
    sent = []
    with TellingListener(sent.append).begin("training", 10):
        pass
    shown = ShownTasks()
    shown.tell(sent[0])
    shown.end()
    shown.end()
    assert watching.events == [("begin", "training", 10), ("end", "training")]


def failing(listener):
    with listener.begin("training", 10) as advance:
        advance(2, note="half")
        raise ZeroDivisionError


def test_a_task_that_fails_is_over_too(watching):
    with pytest.raises(ZeroDivisionError):
        failing(TellingListener(ShownTasks().tell))
    assert watching.events == [("begin", "training", 10), ("training", 2, "half"), ("end", "training")]
