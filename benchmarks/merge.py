"""Merging ten stores of 10^5 values each into a new one, and merging them again, which brings nothing.

Each store has 10 trainings with weights, and 100 measurements of 1,000 values, of which a tenth have an array. The time
is that of the whole command, its start among it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import Options, Row, taken
from vaehub import Result
from vaehub.store.records import MeasurementRecord, TrainingRecord, now
from vaehub.store.store import Store

STORES, TRAININGS, MEASUREMENTS, VALUES = 10, 10, 100, 1_000


def rows(_: Options) -> Iterator[Row]:
    """Measure both merges."""
    with tempfile.TemporaryDirectory() as folder:
        others = [_filled(Path(folder) / f"store{n}", n) for n in range(STORES)]
        for what, target in (("merged", "under 10 s"), ("merged again", "")):
            wall, processor, peak = _merged(Path(folder) / "all", others)
            yield Row(f"10 stores of 10^5 values: {what}", wall, None, "s", None, target)
            yield Row(f"10 stores of 10^5 values: {what}, processor", processor, None, "s", None, "")
            yield Row(f"10 stores of 10^5 values: {what}, peak", peak, None, "MB", None, "")


def _filled(path: Path, n: int) -> Path:
    store = Store.open(path)
    store.prepare()
    dice = np.random.default_rng(n)
    parts = {"model": {"name": "vae"}, "network": {"name": "mlp"}, "dataset": {"name": "digits"}}
    with store.burst():
        for seed in range(TRAININGS):
            asked = (f"{n:02x}{seed:022x}", parts | {"seed": seed}, 10, "done", None, [], now(), 0.0, "cpu")
            weights = {"weight": dice.normal(size=100_000).astype(np.float32)}
            store.record_training(TrainingRecord(*asked), [{"train": {"total": 1.0}}], weights)
        for seed in range(MEASUREMENTS):
            training = f"{n:02x}{seed % TRAININGS:022x}"
            request = {"metric": {"name": "benchmark"}, "training": training, "seed": seed}
            asked = (f"ff{n:02x}{seed:020x}", "benchmark", {}, seed, {"training": training}, request, training)
            arrays = {"array": dice.normal(size=(100, 100))} if seed % 10 == 0 else {}
            record = MeasurementRecord(*asked, None, "done", None, now(), 0.0)
            store.record_measurement(record, Result(vectors={"value": dice.normal(size=VALUES)}, arrays=arrays))
    return path


def _merged(target: Path, others: list[Path]) -> tuple[float, float, float]:
    return taken("store", "merge", *map(str, others), "--store", str(target))
