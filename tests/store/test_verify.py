"""Whether a store is whole."""

import os
import time

import duckdb
import pytest

from vaehub import StoreError
from vaehub.store.store import Store
from vaehub.store.verify import SAFE_AGE


def weights_file(store):
    [path] = (store.path / "arrays").glob("training-*")
    return path


def test_a_whole_store_has_no_problems(filled):
    found = filled.verify()
    assert (found.n_trainings, found.n_measurements, found.n_files) == (1, 1, 2)
    assert (found.problems, found.leftovers) == ((), ())


def test_a_missing_file_is_found(filled):
    path = weights_file(filled)
    path.unlink()
    [problem] = filled.verify().problems
    assert f"{path} of " in problem
    assert problem.endswith("is missing")


def test_a_damaged_file_is_found(filled):
    path = weights_file(filled)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    [problem] = filled.verify().problems
    assert f"{path} of " in problem
    assert "is damaged: its sha256 is" in problem


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            "insert into measured_values values ('x', 'n', null, null, null, null, 1)",
            "1 values of measurements that are",
        ),
        ("insert into epochs values ('x', 0, 'train', 'total', 1)", "1 epochs of trainings that are not stored"),
        (
            "insert into arrays select 'x', name, shape, dtype, file, sha256 from arrays limit 1",
            "1 arrays of trainings",
        ),
        ("delete from trainings", "1 measurements of trainings that are not stored"),
        ("update trainings set weights = null", "1 finished trainings without weights"),
        ("delete from provenance", "2 records of unknown provenance"),
    ],
)
def test_rows_that_point_nowhere_are_found(filled, damage, words):
    with duckdb.connect(filled.path / "results.duckdb") as connection:
        connection.execute(damage)
    assert any(problem.startswith(words) for problem in filled.verify().problems)


def test_files_that_nothing_points_at_are_no_problem_and_swept_when_old(filled):
    young, old = (filled.path / "arrays" / name for name in ("young.partial", "old.partial"))
    for path in (young, old):
        path.write_bytes(b"half")
    past = time.time() - SAFE_AGE - 1
    os.utime(old, (past, past))
    found = filled.verify(remove_leftovers=True)
    assert found.problems == ()
    assert set(found.leftovers) == {young, old}
    assert young.exists()
    assert not old.exists()


def test_a_store_that_is_not_there_cannot_be_verified(tmp_path):
    with pytest.raises(StoreError, match=r"there is no store at .*'vaehub run' makes one"):
        Store.open(tmp_path / "none").verify()
