"""What is known is not looked up, built or restored again: real calls are counted."""

import duckdb
import pytest

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


@pytest.fixture
def openings(monkeypatch):
    """Every opening of a database from now on: whether it was for reading alone."""
    found = []
    connect = duckdb.connect

    def counted(*arguments, **more):
        found.append(more.get("read_only", False))
        return connect(*arguments, **more)

    monkeypatch.setattr(duckdb, "connect", counted)
    return found


def test_six_stored_measurements_are_one_opening(hub, openings):
    metrics = ["elbo", "relevance", "fussy"]
    first = hub.run("vae", metrics, seed=[0, 1], settings=QUICK)
    openings.clear()
    again = hub.run("vae", metrics, seed=[0, 1], settings=QUICK)
    assert openings == [True]
    assert [(each.id, each.reused) for each in again] == [(each.id, True) for each in first]
    assert [each["elbo"] for each in again[::3]] == [each["elbo"] for each in first[::3]]
    assert [each.training for each in again] == [each.training for each in first]
