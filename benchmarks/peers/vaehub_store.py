"""Our side of the store comparison; prints seconds."""

import json
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from vaehub import Result
from vaehub.store.records import MeasurementRecord, now
from vaehub.store.store import Store

RECORDS, VALUES = 1000, 20


def record(number: int) -> MeasurementRecord:
    """Return a distinct measurement for each number."""
    subject = {"dataset": {"name": "digits"}}
    request = {"metric": {"name": "benchmark"}, "subject": subject, "seed": number}
    asked = (f"{number:024x}", "benchmark", {"n_samples": 100}, number, subject, request)
    return MeasurementRecord(*asked, None, None, "done", None, now(), 0.0)


def timed(work: Callable[[], object]) -> float:
    """Return the duration of a call, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def one_by_one(store: Store, numbers: range) -> None:
    """Record each measurement in a commit of its own."""
    with store.burst():
        for number in numbers:
            store.record_measurement(record(number), Result(vectors={"value": np.full(VALUES, 0.5)}))


def main() -> None:
    """Record one measurement to warm up, many small ones, then one large one."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        store.prepare()
        one_by_one(store, range(1))
        figures = {"records": timed(lambda: one_by_one(store, range(1, RECORDS + 1)))}
        large = Result(vectors={f"value_{at}": np.full(100_000, 0.5) for at in range(10)})
        figures["million"] = timed(lambda: store.record_measurement(record(RECORDS + 1), large))
        found = store.query("select count(*) as n from results").to_pylist()
        assert found == [{"n": (RECORDS + 1) * VALUES + 1_000_000}], found
    sys.stdout.write(json.dumps(figures) + "\n")


main()
