"""Pictures share the room of a page."""

import datetime
import multiprocessing
from pathlib import Path

import pytest
from processes import apart

from vaehub import Hub
from vaehub.report import drawing, page, write_report
from vaehub.report.drawing import share


def drawn(store: Path, few: int, method: str) -> tuple[bytes, str]:
    """Return a page, and the method by which processes that draw are started."""
    multiprocessing.set_start_method("spawn", force=True)
    drawing.FEW, drawing.n_cores = few, lambda: 2
    page.now = lambda: datetime.datetime(2026, 12, 1)
    if method == "forkserver":
        drawing.start_from_one()
    found = write_report(Hub.open(store, device="cpu"), path="page.html")
    assert found.n_pictures >= 4
    return found.path.read_bytes(), str(drawing._context().get_start_method())


@pytest.mark.slow
@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="no process starts from another"
)
def test_a_page_is_the_same_whichever_processes_draw_it(made):
    pages = []
    for few, method in ((24, "spawn"), (2, "spawn"), (2, "forkserver")):
        answer, code, errors = apart(drawn, made.hub.store.path, few, method)
        assert (code, errors) == (0, "")
        pages.append(answer[0])
        assert answer[1] == method
    assert pages[0] == pages[1] == pages[2]


@pytest.mark.parametrize("room", [100, 1_000, 10_000])
def test_shares_fill_the_room_and_no_more(room, rng):
    sizes = rng.integers(1, 200, size=40).tolist()
    most = share(sizes, room)
    taken = sum(min(size, most) for size in sizes)
    assert taken <= room
    # One more for each of the large ones, and there would be no room; or all have what they want.
    assert sum(min(size, most + 1) for size in sizes) > room or most >= max(sizes)


def test_what_small_pictures_leave_is_for_large_ones():
    assert share([10, 10, 100, 100], 120) == 50
    assert share([], 120) == 120
