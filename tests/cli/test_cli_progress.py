"""Progress in a log: rarely, of everything that is under way, and never among the data."""

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from vaehub.cli.progress import INTERVAL, Lines, progress
from vaehub.core.progress import listening, task


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> Iterator[io.StringIO]:
    written = io.StringIO()
    with listening(Lines(Console(file=written, width=1000), clock)):
        yield written


def test_quick_work_writes_nothing(log: io.StringIO, clock: Clock) -> None:
    with task("epochs", 3) as advance:
        for _ in range(3):
            clock.now += INTERVAL / 4
            advance(1)

    assert log.getvalue() == ""


def test_long_work_writes_a_line_at_intervals(log: io.StringIO, clock: Clock) -> None:
    with task("epochs", 100) as advance:
        for _ in range(100):
            clock.now += INTERVAL / 10
            advance(1)

    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert [re.sub(r"^\S+ ", "", line) for line in lines[:2]] == ["epochs: 10 of 100", "epochs: 20 of 100"]


def test_a_line_has_all_that_is_under_way_the_outermost_first(log: io.StringIO, clock: Clock) -> None:
    with task("study", 3) as outer:
        outer(1, note="2 running")
        with task("over") as over:
            over(1)
        with task("epochs", 20) as inner:
            clock.now += INTERVAL
            inner(7, note="loss [1.5]")

    assert log.getvalue().splitlines()[0].endswith(" study: 1 of 3 (2 running); epochs: 7 of 20 (loss [1.5])")


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaehub.cli.progress.INTERVAL", 0)

    with progress(), task("epochs", 2) as advance:
        advance(2)

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epochs: 2 of 2" in shown.err
