"""Our side of the comparison of a crowd at one store; prints commits a second, waits in seconds, and who gave up.

Every writer records one small measurement after the other, and every reader asks one query after the other, each in a
process of its own, with an opening of the database for each, as commands do. ``VAEHUB_CROWD`` is how many writers, how
many readers, and the seconds that they go on for, such as ``32,4,30``.
"""

import json
import os
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import pandas  # noqa: F401 DuckDB loads it to look at what it is given
import pyarrow.compute  # noqa: F401

from vaehub import Result, VaehubError
from vaehub.store.records import MeasurementRecord, now
from vaehub.store.store import Store

WRITERS, READERS, SECONDS = map(int, os.environ.get("VAEHUB_CROWD", "32,4,30").split(","))
VALUES = 20
# Forks have all packages loaded, so that no processor time of the crowd goes into that.
FORK = get_context("fork")


def work(kind: str, path: str, number: int, pipe: Connection) -> None:
    """Write or read until time is over, and say how long each turn took and what went wrong."""
    store = Store.open(path)
    result = Result(vectors={"value": np.full(VALUES, 0.5)})

    def record(at: int) -> MeasurementRecord:
        request = {"metric": {"name": "benchmark"}, "subject": subject, "seed": at}
        asked = (f"{number:04x}{at:020x}", "benchmark", {"n_samples": 100}, at, subject, request)
        return MeasurementRecord(*asked, None, None, "done", None, now(), 0.0)

    subject = {"dataset": {"name": "digits"}}
    # What a process does once is done before the clock starts, however long all wait for it.
    os.environ["VAEHUB_LOCK_TIMEOUT"] = "600"
    patient = Store.open(path)
    del os.environ["VAEHUB_LOCK_TIMEOUT"]
    patient.record_measurement(record(0), result)
    patient.query("from results")
    pipe.send("ready")
    pipe.recv()
    waits, failures, at, end = [], [], 1, time.monotonic() + SECONDS
    while (started := time.monotonic()) < end:
        try:
            if kind == "writer":
                store.record_measurement(record(at), result)
            else:
                store.query("select count(*), avg(value) from results")
        except VaehubError as error:
            failures.append(str(error))
        waits.append(time.monotonic() - started)
        at += 1
    pipe.send({"kind": kind, "waits": waits, "failures": failures})


def prepare(path: str) -> None:
    """Make the store; in a process of its own, since the one that is forked must not have used the database."""
    Store.open(path).prepare()


def main() -> None:
    """Start the crowd at once, and sum up what each of them saw."""
    with tempfile.TemporaryDirectory() as folder:
        made = FORK.Process(target=prepare, args=(folder,))
        made.start()
        made.join()
        crowd = []
        for at, kind in enumerate(["writer"] * WRITERS + ["reader"] * READERS):
            here, there = FORK.Pipe()
            FORK.Process(target=work, args=(kind, folder, at, there), daemon=True).start()
            there.close()
            crowd.append(here)
        for each in crowd:
            assert each.recv() == "ready"
        started = time.monotonic()
        for each in crowd:
            each.send("go")
        found = [each.recv() for each in crowd]
        seconds = time.monotonic() - started
        store = Store.open(folder)
        stored = store.query("select count(*) as n from measurements").to_pylist()[0]["n"]
        assert store.verify().problems == ()
    commits = sum(len(each["waits"]) - len(each["failures"]) for each in found if each["kind"] == "writer")
    assert stored == commits + len(found), f"{commits + len(found)} were recorded, and {stored} are there"
    waits = sorted(wait for each in found for wait in each["waits"])
    figures = {
        "commits": commits / seconds,
        "median": waits[len(waits) // 2],
        "p95": waits[int(0.95 * len(waits))],
        "longest": waits[-1],
        "failed": sum(len(each["failures"]) for each in found),
        "fewest": min(len(each["waits"]) for each in found),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


main()
