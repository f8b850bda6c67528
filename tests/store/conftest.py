"""A real store in the test's folder."""

from pathlib import Path

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.store.store import Store


@pytest.fixture(autouse=True)
def _own_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAEHUB_LOCK_TIMEOUT", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, prepared as the hub prepares one."""
    made = Store.open(tmp_path / "store")
    made.prepare()
    return made


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a training and a measurement of it, both with arrays."""
    losses = [{"train": {"total": 2.0, "kl": 0.5}}, {"train": {"total": 1.0, "kl": 0.25}}]
    store.record_training(a_training("t1"), losses, weights())
    store.record_measurement(a_measurement("m1"), a_result())
    return store


@pytest.fixture
def tamper(store: Store):
    """Return a function that changes the store behind its back, and hands back the rows of the last statement."""

    def change(*statements: str) -> list[tuple[object, ...]]:
        with duckdb.connect(store.path / "results.duckdb") as connection:
            return [connection.execute(statement).fetchall() for statement in statements][-1]

    return change
