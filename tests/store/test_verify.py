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
            "insert into measured_values values ('x', 'n', null, null, null, null, 1, null)",
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


def test_halves_of_checkpoints_are_swept_and_whole_ones_are_not(filled):
    folder = filled.path / "checkpoints"
    folder.mkdir()
    past = time.time() - SAFE_AGE - 1
    for name in ("t1-1-aaaa.partial", "t1.h5"):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (past, past))
    assert filled.verify(remove_leftovers=True).leftovers == (folder / "t1-1-aaaa.partial",)
    assert [path.name for path in folder.iterdir()] == ["t1.h5"]


def test_a_record_that_no_longer_can_be_read_is_found(filled):
    with duckdb.connect(filled.path / "results.duckdb") as connection:
        connection.execute("update measurements set started = timestamp '99999-01-01'")
        connection.execute("update trainings set recipe = '{}'")
    problems = filled.verify().problems
    assert [problem.partition(" ")[0] for problem in problems] == ["training", "measurement"]
    with pytest.raises(StoreError, match=r"^store '.+' cannot be read: "):
        filled.recent()


def test_verification_counts_the_rows_of_every_table(filled):
    tables = filled.verify().tables
    assert (tables["trainings"], tables["measurements"], tables["measured_values"]) == (1, 1, 6)


def test_a_store_that_is_not_there_cannot_be_verified(tmp_path):
    with pytest.raises(StoreError, match=r"there is no store at .*'vaehub run' makes one"):
        Store.open(tmp_path / "none").verify()
