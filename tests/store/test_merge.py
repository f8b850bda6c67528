"""A store takes what others have and it has not; where they differ, it keeps its own and says so."""

import dataclasses
import hashlib
import os
import shutil

import duckdb
import h5py
import numpy as np
import pytest
from stored_samples import a_measurement, a_result, a_training, same_result, weights

from vaehub.core.errors import StoreError
from vaehub.core.result import Result, Signatures
from vaehub.store import schema
from vaehub.store.files import sha256
from vaehub.store.migrations import MIGRATIONS
from vaehub.store.prune import Selection
from vaehub.store.records import CellRecord
from vaehub.store.store import Store

LOSSES = [{"train": {"total": 1.0, "kl": float("nan")}}]
TABLES = {
    "trainings": "* exclude (started, seconds, provenance, weights)",
    "epochs": "*",
    "measurements": "* exclude (started, seconds, provenance)",
    "measured_values": "*",
    "measured_signatures": "*",
    "arrays": "* exclude (file, sha256)",
    "cells": "*",
    "studies": "* exclude asked",
    "results": "*",
    "study_results": "*",
    "study_signatures": "*",
}


@pytest.fixture
def make(tmp_path):
    """Make a store of measurements by number, of two trainings in turn, and a study that asks for all six."""

    def made(name, numbers=()):
        store = Store.open(tmp_path / name)
        store.prepare()
        with store.burst():
            for odd in sorted({n % 2 for n in numbers}):
                store.record_training(a_training(f"t{odd}"), LOSSES, weights(odd))
            for n in numbers:
                store.record_measurement(measurement(n), a_result(n))
        if numbers:
            cells = [CellRecord(n, {"seed": n}, "relevance", f"t{n % 2}", f"m{n}") for n in range(6)]
            with store.session() as session:
                session.insert_study("paper", "quick", "A paper", {"seeds": [0, 1]}, cells)
        return store

    return made


def measurement(n, **changes):
    return a_measurement(f"m{n}", subject={"training": f"t{n % 2}"}, training=f"t{n % 2}", **changes)


def state(store):
    """Return checksums of all that a store keeps."""
    files = [path for path in store.path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path.relative_to(store.path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content(store):
    with store.session() as session:
        return {
            table: str(session.query(f"select {columns} from {table} order by all").to_pylist())
            for table, columns in TABLES.items()
        }


def test_a_merged_store_is_as_if_all_had_been_made_in_it(make):
    whole, one, other = make("whole", range(6)), make("one", [0, 1, 2]), make("other", [2, 3, 4, 5])
    before = state(other)
    [found] = one.merge(other.path)
    assert (found.conflicts, found.n_withheld, found.n_files) == ((), 0, 3)
    assert {table: found.added[table] for table in ("measurements", "arrays")} == {"measurements": 3, "arrays": 3}
    assert content(one) == content(whole)
    assert all(same_result(one.result(f"m{n}"), a_result(n)) for n in range(6))
    assert [(each.n_measurements, each.n_done) for each in one._session.studies()] == [(6, 6)]
    verified = one.verify()
    assert (verified.problems, verified.leftovers) == ((), ())
    assert state(other) == before


def test_a_new_store_is_made_of_several(make, tmp_path):
    merged = Store.open(tmp_path / "new" / "store")
    found = merged.merge(make("one", [0, 1]).path, make("two", [1, 2]).path, make("three", [3, 4, 5]).path)
    assert [each.added["measurements"] for each in found] == [2, 1, 3]
    assert content(merged) == content(make("whole", range(6)))
    assert merged.verify().problems == ()


def test_what_is_merged_again_or_with_itself_changes_nothing(make, tmp_path):
    store, other = make("one", [0, 1]), make("other", [2, 3])
    store.merge(other.path)
    shutil.copytree(store.path, tmp_path / "copy")
    (tmp_path / "link").symlink_to(store.path)
    before = state(store)
    found = store.merge(other.path, store.path, tmp_path / "link", tmp_path / "copy")
    assert [(each.added, each.n_files, each.conflicts) for each in found] == [({}, 0, ())] * 4
    assert state(store) == before


CHANGED = [
    (Result(scalars={"seed": 2.5}), "seed is 0.0 here and 2.5 there"),
    (Result(vectors={"extra": [1.5, 2.5]}), "extra[0] is missing here and 1.5 there, and 1 more differ"),
    (
        Result(signatures={"signature": Signatures([f"layer {n}" for n in range(5)], np.eye(5, 3), "space 2")}),
        "signature of layer 0 is",
    ),
    (Result(arrays={"response": np.zeros((3, 5))}), "array 'response' is"),
]


def test_two_values_of_a_measurement_are_a_conflict_and_none_is_overwritten(make):
    store, other = make("one", range(4)), make("other", range(5))
    for n, (different, _) in enumerate(CHANGED):
        known = a_result(n)
        parts = ("scalars", "vectors", "signatures", "arrays")
        mixed = {name: {**getattr(known, name), **getattr(different, name)} for name in parts}
        other.record_measurement(measurement(n), dataclasses.replace(known, **mixed), replace=True)
    for _ in range(2):
        [found] = store.merge(other.path)
        assert [(each.kind, each.id, each.name) for each in found.conflicts] == [
            ("measurement", f"m{n}", "relevance") for n in range(4)
        ]
        for conflict, (_, sentence) in zip(found.conflicts, CHANGED, strict=True):
            assert sentence in str(conflict)
        # What is not in conflict came along.
        assert all(same_result(store.result(f"m{n}"), a_result(n)) for n in range(5))
    assert store.verify().problems == ()


@pytest.mark.parametrize(
    ("losses", "seed", "sentence"),
    [([{"train": {"total": 1.5, "kl": float("nan")}}], 0, "total of epoch 0 is 1.0 here"), (LOSSES, 5, "weights 'enc")],
)
def test_a_training_of_other_values_stays_and_what_is_measured_of_the_other_is_withheld(make, losses, seed, sentence):
    store, other = make("one", [0, 1]), make("other", [0, 1, 2, 3])
    other.record_training(a_training("t0"), losses, weights(seed), replace=True)
    kept = store.weights("t0")
    [found] = store.merge(other.path)
    assert [(each.kind, each.id) for each in found.conflicts] == [("training", "t0")]
    assert sentence in str(found.conflicts[0])
    assert found.n_withheld == 1
    assert [store.measurement(f"m{n}") is not None for n in (2, 3)] == [False, True]
    assert all(np.array_equal(array, kept[name]) for name, array in store.weights("t0").items())


def test_weights_come_back_only_to_results_that_were_measured_of_the_same_losses(make, tmp_path):
    other = make("other", [0, 2])
    for name, value, comes in (("same", 1.0, True), ("else", 1.5, False)):
        store = make(name, [0, 4])
        store.record_training(
            a_training("t0"), [{"train": {"total": value, "kl": float("nan")}}], weights(), replace=True
        )
        store.prune(Selection(ids=["t0"], weights=True))
        for one, two in ((store, other), (other, store)):
            target = Store.open(tmp_path / f"{name}-{one.path.name}")
            shutil.copytree(one.path, target.path)
            [found] = target.merge(two.path)
            assert (found.conflicts == (), found.n_withheld) == (comes, 0 if comes else 1)
            assert (target.training("t0").status == "done") == (comes or one is other)
            assert target.verify().problems == ()


def test_the_same_numbers_in_another_file_are_no_conflict(make):
    store, other = make("one", [0]), make("other", [0])
    [path] = (other.path / "arrays").glob("measurement-*")
    with h5py.File(path, "w", libver="latest") as file:
        file["response"] = a_result(0).arrays["response"]
    with duckdb.connect(other.path / "results.duckdb") as connection:
        connection.execute("update arrays set sha256 = ? where file = ?", [sha256(path), path.name])
    assert store.merge(other.path)[0].conflicts == ()


def test_a_failure_gives_way_to_a_success_and_to_nothing_else(make):
    store, other = make("one", [0]), make("other", [1])
    for each, done in ((store, 1), (other, 0)):  # each has failed at what the other has done
        each.record_training(a_training(f"t{done}", status="failed", error="diverged"), [], None)
        each.record_measurement(measurement(done, status="failed", error="out of memory"), Result())
        each.record_measurement(measurement(5, status="failed", error=f"in {each.path.name}"), Result())
    [found] = store.merge(other.path)
    assert found.conflicts == ()
    assert content(store)["results"] == content(make("both", [0, 1]))["results"]
    assert store.measurement("m5").error == "in one"
    assert {each: store.training(each).status for each in ("t0", "t1")} == {"t0": "done", "t1": "done"}
    assert store.epochs("t1") == [{"train": {"total": 1.0, "kl": pytest.approx(float("nan"), nan_ok=True)}}]
    verified = store.verify()
    assert (verified.problems, verified.leftovers) == ((), ())


def test_a_study_that_asks_for_other_things_stays_as_it_is(make):
    store, other = make("one", [0]), make("other", [1])
    with other.session() as session:
        session.insert_study("paper", "quick", "A paper", {"seeds": [7]}, [CellRecord(0, {}, "elbo", None, "m7")])
        session.insert_study("mine", "quick", "Mine", {}, [CellRecord(0, {}, "elbo", None, "m1")])
        session.insert_analysis("mine", "quick", "mean", CellRecord(None, {"analysis": "mean"}, "m", None, "a1"))
    [found] = store.merge(other.path)
    assert [(each.kind, each.id) for each in found.conflicts] == [("study", "paper, quick")]
    with store.session() as session:
        assert len(session.cells("paper", "quick")) == 6
        assert [cell.measurement for cell in session.cells("mine", "quick")] == ["m1", "a1"]
    with other.session() as session:
        session.insert_analysis("mine", "quick", "mean", CellRecord(None, {"analysis": "mean"}, "m", None, "a2"))
    told = [str(each) for each in store.merge(other.path)[0].conflicts]
    assert "analysis 'mean' (mine, quick): the measurement of all results is a1 here and a2 there" in told


def newer(store):
    with duckdb.connect(store.path / "results.duckdb") as connection:
        connection.execute("insert into schema_version values (99, now()::timestamp)")


def flipped(store):
    path = store.path / "results.duckdb"
    content = bytearray(path.read_bytes())
    for at in range(12288 + 100, len(content), 262144):
        content[at] ^= 0xFF
    path.write_bytes(content)


def without_training(store):
    with duckdb.connect(store.path / "results.duckdb") as connection:
        connection.execute("delete from trainings")


def foreign(store):
    (store.path / "results.duckdb").unlink()
    with duckdb.connect(store.path / "results.duckdb") as connection:
        connection.execute("create table songs (title varchar)")


WRONG = {
    "newer": (newer, r"has schema 99, and this vaehub knows schemas up to \d; upgrade vaehub to use it$"),
    "flipped": (flipped, r"(cannot be opened as a database|cannot be read|is damaged and was not merged): "),
    "orphans": (without_training, r"is damaged and was not merged: .*trainings that are not stored; 'vaehub verify'"),
    "foreign": (foreign, "is a DuckDB database but no vaehub store"),
    "none": (lambda store: (store.path / "results.duckdb").unlink(), "^there is no store at '.+', which was to be mer"),
    "file": (
        lambda store: [path.write_bytes(b"") for path in (store.path / "arrays").iterdir()],
        r"arrays/.+ is damaged: its sha256 is \w+, and should be \w+; 'vaehub store rescue' makes",
    ),
    "missing": (
        lambda store: [path.unlink() for path in (store.path / "arrays").iterdir()],
        r"is damaged and was not merged: .+ is missing; 'vaehub verify' tells all, and 'vaehub store rescue'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_merged_is_refused_in_a_sentence_and_changes_nothing(make, tmp_path, wrong):
    store, other = make("one", [0, 1]), make("other", [2, 3])
    spoil, sentence = WRONG[wrong]
    spoil(other)
    before, theirs = state(store), state(other)
    with pytest.raises(StoreError, match=sentence):
        store.merge(other.path)
    with pytest.raises(StoreError, match=sentence):
        Store.open(tmp_path / "new").merge(other.path)
    assert not (tmp_path / "new").exists()
    if wrong != "file":  # nor is anything of a store that is named before it
        with pytest.raises(StoreError, match=sentence):
            store.merge(make("third", [4]).path, other.path)
    assert (state(store), state(other)) == (before, theirs)


def test_what_was_merged_before_a_damaged_file_was_met_stays_and_the_sentence_says_so(make):
    store, third, other = make("one", [0]), make("third", [2]), make("other", [4])
    for path in (other.path / "arrays").glob("measurement-*"):
        path.write_bytes(b"")
    with pytest.raises(StoreError, match=r"is damaged: .+; what was merged before it stays: '.+third'$"):
        store.merge(third.path, other.path)
    assert store.measurement("m2") is not None
    verified = store.verify()
    assert (verified.problems, verified.leftovers) == ((), ())


def test_a_store_that_cannot_be_written_is_refused(make, monkeypatch):
    store, other = make("one", [0]), make("other", [1])
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StoreError, match=r"^store '.+one' is not writable; name another with '--store'$"):
        store.merge(other.path)


def test_a_store_of_an_earlier_schema_is_merged_and_stays_as_it_is(make, tmp_path):
    (tmp_path / "earlier").mkdir()
    with duckdb.connect(tmp_path / "earlier" / "results.duckdb") as connection:
        schema.migrate(connection, MIGRATIONS[:1])
        connection.execute("""
            insert into measurements values
            ('m9', 'mine', 'elbo', '{}', 0, '{}', null, null, '{}', 'done', null, now()::timestamp, 1, 'p1')
        """)
        connection.execute("insert into provenance values ('p1', '', '{}', '', '', '', null, '', now()::timestamp)")
        connection.execute("insert into measured_values values ('m9', 'elbo', null, null, null, null, -1.5)")
    other = Store.open(tmp_path / "earlier")
    before = state(other)
    store = make("one", [0])
    for expected in ({"provenance": 1, "measurements": 1, "measured_values": 1, "cells": 1}, {}):
        assert store.merge(other.path)[0].added == expected
    assert store.query("select study, value from results where metric = 'elbo'").to_pylist() == [
        {"study": "mine", "value": -1.5}
    ]
    assert state(other) == before
