"""What is asked of a store of a million values: processor time beyond that of an empty store, and peak memory.

The values are 100 measurements of 10,000 each. The processor time is that of the whole process, less that of ``vaehub
sql "select 1"``, which starts in the same way and reads nothing. The peak is the resident memory of the process itself.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Options, Row, taken
from vaehub import Result
from vaehub.store.records import MeasurementRecord, now
from vaehub.store.store import Store

REPEATS = 3
MEASUREMENTS, VALUES = 100, 10_000
START = ("sql", "select 1")
ASKED = {
    "show": ("show",),
    "sql, a mean for each name": ("sql", "select name, count(*), avg(value) from results group by name"),
    "verify": ("verify",),
}
MANY = ("sql", "select measurement, name, index, value from results limit 100000", "--format", "json")


@dataclass(frozen=True)
class _Taken:
    seconds: float
    megabytes: float


def rows(_: Options) -> Iterator[Row]:
    """Measure each command."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
        _taken(folder, START)  # files come from the disk, and modules are compiled
        start = _taken(folder, START)
        for what, command in ASKED.items():
            found = _taken(folder, command)
            yield Row(f"10^6 values: {what}", found.seconds - start.seconds, None, "s", None, "under 1 s")
            yield Row(f"10^6 values: {what}, peak", found.megabytes, None, "MB", None, "")
        found = _taken(folder, MANY)
        yield Row("100,000 rows as JSON", found.seconds - start.seconds, None, "s", None, "")
        yield Row("100,000 rows as JSON, peak", found.megabytes, None, "MB", None, "under 200 MB")


def _fill(folder: Path) -> None:
    store = Store.open(folder)
    store.prepare()
    dice = np.random.default_rng(0)
    subject = {"dataset": {"name": "digits"}}
    with store.burst():
        for seed in range(MEASUREMENTS):
            request = {"metric": {"name": "benchmark"}, "subject": subject, "seed": seed}
            asked = (f"{seed:024x}", "benchmark", {"n_samples": 100}, seed, subject, request)
            record = MeasurementRecord(*asked, None, None, "done", None, now(), 0.0)
            store.record_measurement(record, Result(vectors={"value": dice.normal(size=VALUES)}))


def _taken(folder: str, command: tuple[str, ...]) -> _Taken:
    runs = [taken(*command, "--store", folder)[1:] for _ in range(REPEATS)]
    return _Taken(*(statistics.median(run[place] for run in runs) for place in range(2)))
