"""Pictures share the room of a page."""

import pytest

from vaehub.report.drawing import share


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
