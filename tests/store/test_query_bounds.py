"""What a query may take of time and memory."""

import time

import pytest

from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.store import reader

ENDLESS = "select count(*) from range(10000000) as a, range(10000000) as b where (a.range * b.range) % 7 = 3"
LARGE = "select len(list(random())) as n from range(100000000)"


def test_a_query_is_given_up_when_its_time_is_over_and_the_store_goes_on(filled):
    started = time.monotonic()
    with pytest.raises(WorkFailed, match=r"^the query took more than 0\.5 s and was given up; '--timeout' gives it"):
        filled.query(ENDLESS, timeout=0.5)
    assert time.monotonic() - started < 60
    assert filled.query("from trainings", timeout=30).num_rows == 1


def test_a_wrong_query_is_wrong_whatever_its_time(filled):
    with pytest.raises(VaehubError, match="was not understood") as caught:
        filled.query("selec 1", timeout=30)
    assert not isinstance(caught.value, WorkFailed)


def test_a_query_has_a_share_of_the_memory_and_spills_nothing_to_the_disk(filled, monkeypatch):
    monkeypatch.setattr(reader, "_memory", lambda: {"memory_limit": "100MB", "max_temp_directory_size": "0B"})
    with pytest.raises(WorkFailed, match=r"^the query needs more memory than half of what is free, which is all"):
        filled.query(LARGE, timeout=60)
    assert not list(filled.path.glob("*.tmp"))


def test_the_share_is_half_of_what_is_free(filled):
    found = filled.query("select current_setting('memory_limit') as m, current_setting('max_temp_directory_size') as t")
    [row] = found.to_pylist()
    assert row["t"].startswith("0 ")
    assert row["m"].endswith("iB")
