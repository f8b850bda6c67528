"""Our side of the comparison of a crowd at one store; prints commits a second, waits in seconds, and who gave up.

Every writer records one small measurement after the other, and every reader asks one query after the other, each in a
process of its own, with an opening of the database for each, as commands do. ``VAEHUB_CROWD`` is how many writers, how
many readers, and the seconds that they go on for, such as ``32,4,30``.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITERS, READERS, SECONDS = map(int, os.environ.get("VAEHUB_CROWD", "32,4,30").split(","))
VALUES = 20


def work(kind: str, path: str, number: int) -> None:
    """Write or read until time is over, and print how long each turn took and what went wrong."""
    import numpy as np

    from vaehub import Result, VaehubError
    from vaehub.store.records import MeasurementRecord, now
    from vaehub.store.store import Store

    store = Store.open(path)
    result = Result(vectors={"value": np.full(VALUES, 0.5)})
    subject = {"dataset": {"name": "digits"}}

    def record(at: int) -> MeasurementRecord:
        request = {"metric": {"name": "benchmark"}, "subject": subject, "seed": at}
        asked = (f"{number:04x}{at:020x}", "benchmark", {"n_samples": 100}, at, subject, request)
        return MeasurementRecord(*asked, None, None, "done", None, now(), 0.0)

    # What a process does once, such as loading packages, is done before the clock starts, however long all wait for it.
    os.environ["VAEHUB_LOCK_TIMEOUT"] = "600"
    patient = Store.open(path)
    del os.environ["VAEHUB_LOCK_TIMEOUT"]
    patient.record_measurement(record(0), result)
    patient.query("from results")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
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
    sys.stdout.write(json.dumps({"kind": kind, "waits": waits, "failures": failures}) + "\n")


def main() -> None:
    """Start the crowd at once, and sum up what each of them saw."""
    from vaehub.store.store import Store

    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        store.prepare()
        kinds = ["writer"] * WRITERS + ["reader"] * READERS
        command = [sys.executable, str(Path(__file__)), folder]
        crowd = [
            subprocess.Popen([*command, kind, str(at)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for at, kind in enumerate(kinds)
        ]
        for each in crowd:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        started = time.monotonic()
        found = _all(crowd)
        seconds = time.monotonic() - started
        stored = store.query("select count(*) as n from measurements").to_pylist()[0]["n"]
        assert store.verify().problems == ()
    commits = sum(len(each["waits"]) - len(each["failures"]) for each in found if each["kind"] == "writer")
    commits += len(found)
    assert stored == commits, f"{commits} were recorded, and {stored} are there"
    waits = sorted(wait for each in found for wait in each["waits"])
    figures = {
        "commits": (commits - len(found)) / seconds,
        "median": waits[len(waits) // 2],
        "p95": waits[int(0.95 * len(waits))],
        "longest": waits[-1],
        "failed": sum(len(each["failures"]) for each in found),
        "fewest": min(len(each["waits"]) for each in found),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _all(crowd: list[subprocess.Popen[str]]) -> list[dict[str, list[float]]]:
    for each in crowd:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return [json.loads(each.communicate()[0]) for each in crowd]


if len(sys.argv) > 1:
    work(sys.argv[2], sys.argv[1], int(sys.argv[3]))
else:
    main()
