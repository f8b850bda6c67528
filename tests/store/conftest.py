"""A store with something in it, and the records that it is made of."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vaehub import Result, Table
from vaehub.core.identity import identity
from vaehub.store.records import MeasurementRecord, TrainingRecord, now
from vaehub.store.store import Store


@pytest.fixture(autouse=True)
def _own_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAEHUB_LOCK_TIMEOUT", raising=False)


@pytest.fixture
def epochs() -> list[dict[str, dict[str, float]]]:
    """Losses of two epochs."""
    return [
        {"train": {"total": 3.0, "kl": 1.0}, "validation": {"total": 3.5, "kl": 1.25}},
        {"train": {"total": 2.0, "kl": 0.5}, "validation": {"total": 2.5, "kl": 0.75}},
    ]


@pytest.fixture
def weights() -> dict[str, NDArray[np.generic]]:
    """Weights of two kinds."""
    return {"encoder.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(3)}


@pytest.fixture
def make_training() -> Callable[..., TrainingRecord]:
    """Make the record of a training; a seed makes it another one, and anything else that is given is changed in it."""

    def make(*, seed: int = 0, **changes: object) -> TrainingRecord:
        recipe = {
            "model": {"name": "beta_vae", "params": {"latent_dim": 3, "beta": 4.0}},
            "network": {"name": "mlp", "params": {}},
            "dataset": {"name": "digits", "params": {}},
            "seed": seed,
        }
        values = {
            "id": identity(recipe),
            "recipe": recipe,
            "latent_dim": 3,
            "status": "done",
            "error": None,
            "notes": ["small data"],
            "started": now(),
            "seconds": 1.5,
            "device": "cpu",
        }
        return TrainingRecord(**values | changes)

    return make


@pytest.fixture
def make_measurement() -> Callable[..., MeasurementRecord]:
    """Make the record of a measurement, of a training or else of the dataset; a seed makes it another one."""

    def make(training: TrainingRecord | None = None, *, seed: int = 0, **changes: object) -> MeasurementRecord:
        subject = {"dataset": {"name": "digits"}} if training is None else {"training": training.id}
        request = {"metric": {"name": "relevance", "params": {"n_samples": 10}}, "subject": subject, "seed": seed}
        values = {
            "id": identity(request),
            "metric": "relevance",
            "params": {"n_samples": 10},
            "seed": seed,
            "subject": subject,
            "request": request,
            "training": None if training is None else training.id,
            "other": None,
            "status": "done",
            "error": None,
            "started": now(),
            "seconds": 0.25,
        }
        return MeasurementRecord(**values | changes)

    return make


@pytest.fixture
def store(tmp_path) -> Store:
    """A store that is not there yet."""
    return Store.open(tmp_path / "store", plugins={"vaehub": "0.1.0"})


@pytest.fixture
def filled(store, make_training, make_measurement, epochs, weights) -> Store:
    """A store with one training and one measurement of it."""
    training = make_training()
    result = Result(
        scalars={"n_active": 2},
        vectors={"kl": [0.5, 0.25, float("nan")]},
        tables={"pairs": Table({"a": ["x", "x"], "b": [1, 2]}, {"cka": [0.5, float("inf")]})},
        arrays={"matrix": np.eye(2)},
    )
    store.prepare()
    store.record_training(training, epochs, weights)
    store.record_measurement(make_measurement(training), result)
    return store
