"""Records to store, and real processes that meddle with a store, for all tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from vaehub.core.result import Result, Signatures, Table, Vector
from vaehub.store.records import MeasurementRecord, TrainingRecord

STARTED = datetime(2026, 11, 21, 3, 20, 44)
COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]

RECIPE = {
    "model": {"name": "beta_vae", "distribution": "acme", "revision": 1, "params": {"latent_dim": 4, "beta": 2.5}},
    "network": {"name": "mlp", "distribution": "vaehub", "revision": 1, "params": {"hidden": [64, 32]}},
    "dataset": {"name": "digits", "distribution": "vaehub", "revision": 1, "params": {}},
    "train": {"revision": 1, "params": {"epochs": 2}},
    "seed": 7,
}


def a_training(training_id="t1", **changes):
    values = {
        "id": training_id,
        "recipe": RECIPE,
        "latent_dim": 4,
        "status": "done",
        "error": None,
        "notes": ["a note", "another"],
        "started": STARTED,
        "seconds": 1.25,
        "device": "cpu",
    }
    return TrainingRecord(**values | changes)


def a_measurement(measurement_id="m1", **changes):
    values = {
        "id": measurement_id,
        "metric": "relevance",
        "params": {"n_samples": 100, "explained": 0.99},
        "seed": 3,
        "subject": {"training": "t1"},
        "request": {"metric": {"name": "relevance"}, "seed": 3},
        "training": "t1",
        "other": None,
        "status": "done",
        "error": None,
        "started": STARTED,
        "seconds": 0.5,
    }
    return MeasurementRecord(**values | changes)


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return {"encoder.0.weight": rng.normal(size=(3, 4)).astype(np.float32), "encoder.0.bias": np.zeros(3, np.float32)}


def a_result(seed=0, n=5):
    """Return one of everything that a result can hold, different for every seed."""
    values = np.random.default_rng(seed).normal(size=(3, n))
    return Result(
        scalars={"seed": seed, "total": values.sum()},
        vectors={"relevance": values[0], "kl": Vector(values[1], "layer", [f"layer {i}" for i in range(n)])},
        tables={"pairs": Table({"a": list(range(n)), "b": ["x"] * n}, {"cka": values[2]})},
        signatures={"signature": Signatures([f"layer {i}" for i in range(n)], values.T, f"space {seed}")},
        arrays={"response": values},
    )


def same_result(one, other):
    """Say whether two results hold the same names in the same order, and the same values bit for bit."""
    ordered = [
        list(one.scalars) == list(other.scalars),
        list(one.vectors) == list(other.vectors),
        list(one.tables) == list(other.tables),
        list(one.signatures) == list(other.signatures),
        one.arrays.keys() == other.arrays.keys(),
    ]
    return (
        all(ordered)
        and all(_same(value, other.scalars[name]) for name, value in one.scalars.items())
        and all(_same_vector(vector, other.vectors[name]) for name, vector in one.vectors.items())
        and all(_same_table(table, other.tables[name]) for name, table in one.tables.items())
        and all(_same_signatures(found, other.signatures[name]) for name, found in one.signatures.items())
        and all(_same(array, other.arrays[name]) for name, array in one.arrays.items())
    )


def _same_vector(one, other):
    return _same(one.values, other.values) and (one.index, one.labels) == (other.index, other.labels)


def _same_table(one, other):
    columns = all(_same(column, other.columns[name]) for name, column in one.columns.items())
    return one.keys == other.keys and list(one.columns) == list(other.columns) and columns


def _same_signatures(one, other):
    return _same(one.vectors, other.vectors) and (one.layers, one.space) == (other.layers, other.space)


def _same(one, other):
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def python(script, *arguments, **options):
    """Start a Python process that can import this module; its standard output is a pipe of text."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)


@contextmanager
def running(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a Python process until it prints its first line; it is killed when the context ends."""
    with python(script, *arguments) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
