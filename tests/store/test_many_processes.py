"""Many processes, one store."""

import pytest
from stored_samples import a_result, python, same_result

from vaehub.store.store import Store

pytestmark = pytest.mark.slow

N_PROCESSES, N_OWN, N_SHARED = 8, 25, 5

# Prints how many of its own and of the shared measurements it was the one to record.
RECORD = f"""
import sys
from stored_samples import a_measurement, a_result
from vaehub.store.store import Store
store, name = Store.open(sys.argv[1]), sys.argv[2]
store.prepare()
own = [(f"{{name}}-{{n}}", n) for n in range({N_OWN})]
shared = [(f"shared-{{n}}", n) for n in range({N_SHARED})]
counts = {{"own": 0, "shared": 0}}
for n, (measurement, seed) in enumerate(sorted(own + shared, key=lambda each: each[1])):
    kind = "shared" if measurement.startswith("shared") else "own"
    counts[kind] += store.record_measurement(a_measurement(measurement, training=None), a_result(seed))
print(counts["own"], counts["shared"])
"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A store that eight processes have recorded to at once, and what each of them said."""
    store = Store.open(tmp_path_factory.mktemp("crowd") / "store")
    processes = [python(RECORD, store.path, f"p{n}") for n in range(N_PROCESSES)]
    said = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * N_PROCESSES
    return store, [tuple(map(int, line.split())) for line in said]


def test_every_process_records_all_that_is_its_own(crowded):
    assert [own for own, _ in crowded[1]] == [N_OWN] * N_PROCESSES


def test_what_all_want_to_record_is_recorded_once(crowded):
    assert sum(shared for _, shared in crowded[1]) == N_SHARED


def test_every_measurement_of_every_process_is_there(crowded):
    ids = {f"p{process}-{n}" for process in range(N_PROCESSES) for n in range(N_OWN)}
    ids |= {f"shared-{n}" for n in range(N_SHARED)}
    found = crowded[0].query("select id from measurements").to_pylist()
    assert sorted(row["id"] for row in found) == sorted(ids)


def test_every_value_of_every_process_is_there_exactly_once(crowded):
    store, _ = crowded
    repeated = (
        "from measured_values select measurement group by measurement, name, index_name, index having count(*) > 1"
    )
    assert store.query(repeated).num_rows == 0
    # Two scalars, two vectors and a table of five values each.
    counts = store.query("select distinct count(*) as n from measured_values group by measurement").to_pylist()
    assert counts == [{"n": 17}]


def test_every_result_of_every_process_is_what_it_measured(crowded):
    store, _ = crowded
    with store.burst():
        records = store.recent(limit=1000)[1]
        wrong = [
            each.id
            for each in records
            if not same_result(store.result(each.id), a_result(int(each.id.rpartition("-")[2])))
        ]
    assert (len(records), wrong) == (N_PROCESSES * N_OWN + N_SHARED, [])


def test_nothing_is_missing_or_left_over_after_the_crowd(crowded):
    found = crowded[0].verify()
    assert (found.problems, found.leftovers) == ((), ())


# Forks


FORK = """
import os, sys
from stored_samples import a_measurement, a_result
from vaehub.store.store import Store
store = Store.open(sys.argv[1])
store.prepare()
codes = []
for n in range(2):
    child = os.fork()
    if child == 0:
        try:
            store.record_measurement(a_measurement(f"m{n}", training=None), a_result(n))
        except BaseException as error:
            print(error, flush=True)
            os._exit(1)
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
print("ready" if codes == [0, 0] else codes)
"""


def test_forked_processes_that_share_one_opened_store_both_record(tmp_path):
    # As multiprocessing does on Linux.
    with python(FORK, tmp_path / "store") as process:
        said = process.communicate(timeout=60)[0]
    assert said == "ready\n"
    assert {each.id for each in Store.open(tmp_path / "store").recent()[1]} == {"m0", "m1"}
