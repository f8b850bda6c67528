"""Real clients of other versions of DuckDB open a store and read what was recorded."""

import json
import subprocess
import sys
import venv

import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.store.store import Store

CLIENTS = ("1.1.3", "1.4.4")
QUERIES = {
    "values": "select name, index, keys, value from results order by all",
    "missing": "select count(*) filter (where index is null), count(index) from results",
    "lists": "select owner, name, shape from arrays order by all",
    "times": "select started::varchar as t from trainings",
    "signatures": "select layer, signature from signatures order by all",
    "similarity": "select cka(a.signature, b.signature) as s from signatures as a, signatures as b order by all",
    "studies": "select count(*) from study_results",
    "summary": "select name, index, label, mean, sd, n, setting from summary order by all",
}
ASK = """
import json, sys, duckdb
place, queries = sys.argv[1], json.loads(sys.argv[2])
with duckdb.connect(place, read_only=True) as connection:
    found = {name: connection.execute(text).fetchall() for name, text in queries.items()}
print(json.dumps([duckdb.__version__, found]))
"""


def client(version, folder):
    """Return the interpreter of a new environment with a version of DuckDB."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", f"duckdb=={version}"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=240)
    if done.returncode:
        pytest.skip(f"duckdb {version} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("version", CLIENTS)
def test_a_client_of_another_version_reads_the_same(version, tmp_path):
    store = Store.open(tmp_path / "store")
    store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
    store.record_measurement(a_measurement(), a_result())
    place = store.path / "results.duckdb"
    command = [str(client(version, tmp_path / "client")), "-c", ASK, str(place), json.dumps(QUERIES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    used, found = json.loads(done.stdout)
    assert used == version
    assert found["missing"][0][0] > 0
    assert found["missing"][0][1] > 0
    assert len(found["signatures"]) > 1
    for name, text in QUERIES.items():
        ours = [list(row.values()) for row in store.query(text).to_pylist()]
        if name == "similarity":  # sums of another version may be added up in another order
            assert [row[0] for row in found[name]] == pytest.approx(
                [row[0] for row in ours], rel=1e-5
            )  # of single precision
        else:
            assert found[name] == json.loads(json.dumps(ours)), name
