from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stored_samples import STARTED, a_measurement, a_result, a_training, same_result, weights

from vaehub.core.result import Result, Table, Vector

# Any text that UTF-8 can write, and any number: -0.0, the smallest, infinities and NaN among them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = arrays(np.float64, st.integers(1, 5), elements=st.floats())
KEYS = st.one_of(TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0))


@st.composite
def vectors(draw):
    values = draw(VALUES)
    labels = draw(st.none() | st.lists(TEXT, min_size=len(values), max_size=len(values)))
    return Vector(values, draw(TEXT), labels)


@st.composite
def tables(draw):
    n = draw(st.integers(1, 4))
    keys = st.dictionaries(TEXT, st.lists(KEYS, min_size=n, max_size=n), min_size=1, max_size=3)
    columns = st.dictionaries(TEXT, arrays(np.float64, n, elements=st.floats()), min_size=1, max_size=3)
    return Table(draw(keys), draw(columns))


RESULTS = st.builds(
    Result,
    st.dictionaries(TEXT, st.floats(), max_size=4),
    st.dictionaries(TEXT, vectors(), max_size=3),
    st.dictionaries(TEXT, tables(), max_size=3),
)


@pytest.fixture
def prepared(store):
    store.prepare()
    return store


@settings(
    max_examples=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(result=RESULTS)
def test_a_result_comes_back_bit_for_bit_whatever_its_names_and_numbers(prepared, result):
    with prepared.burst():
        prepared.record_measurement(a_measurement(), result, replace=True)
        assert same_result(prepared.result("m1"), result)


def test_scalars_vectors_tables_and_arrays_come_back_together(prepared):
    prepared.record_measurement(a_measurement(), a_result())
    assert same_result(prepared.result("m1"), a_result())


def test_nan_and_infinities_come_back(prepared):
    wild = [float("nan"), float("inf"), float("-inf")]
    prepared.record_measurement(a_measurement(), Result({"nan": wild[0]}, {"v": wild}, arrays={"a": np.array(wild)}))
    assert same_result(prepared.result("m1"), Result({"nan": wild[0]}, {"v": wild}, arrays={"a": np.array(wild)}))


def test_a_vector_longer_than_a_block_of_the_database_keeps_its_order(prepared):
    values = np.random.default_rng(0).normal(size=5000)  # DuckDB works in blocks of 2048 rows
    prepared.record_measurement(a_measurement(), Result(vectors={"v": values}))
    assert np.array_equal(prepared.result("m1").vectors["v"].values, values)


def test_a_vector_and_a_table_of_the_same_name_are_told_apart(prepared):
    result = Result(vectors={"a": Vector([1, 2], "layer")}, tables={"layer": Table({"k": [1, 2]}, {"a": [5, 6]})})
    prepared.record_measurement(a_measurement(), result)
    assert same_result(prepared.result("m1"), result)


def test_a_result_without_values_comes_back(prepared):
    prepared.record_measurement(a_measurement(), Result())
    assert same_result(prepared.result("m1"), Result())


def test_every_field_of_a_measurement_comes_back(prepared):
    params = {"n": 10, "share": 0.1, "name": "ü", "on": True, "none": None, "list": [1, [2]], "map": {"b": 1, "a": 2}}
    record = a_measurement(params=params, other="t2", seed=2**62)
    prepared.record_measurement(record, Result())
    assert prepared.measurement("m1") == record


def test_every_field_of_a_failed_measurement_comes_back(prepared):
    record = a_measurement(status="failed", error="ValueError: 'x' is\nno number", training=None)
    prepared.record_measurement(record, Result())
    assert prepared.measurement("m1") == record


def test_a_measurement_that_is_not_there_is_none(prepared):
    assert prepared.measurement("m1") is None
    assert same_result(prepared.result("m1"), Result())


def test_measurements_have_their_own_values_and_arrays(prepared):
    for seed in (1, 2):
        prepared.record_measurement(a_measurement(f"m{seed}"), a_result(seed))
    assert same_result(prepared.result("m1"), a_result(1))
    assert same_result(prepared.result("m2"), a_result(2))


def test_replacing_a_measurement_leaves_nothing_of_the_old_values(prepared):
    prepared.record_measurement(a_measurement(), a_result(1))
    assert prepared.record_measurement(a_measurement(seconds=9.0), Result({"n": 1}), replace=True)
    assert same_result(prepared.result("m1"), Result({"n": 1}))
    assert prepared.measurement("m1").seconds == 9.0


def test_replacing_a_measurement_deletes_the_old_file(prepared):
    prepared.record_measurement(a_measurement(), a_result(1))
    old = set((prepared.path / "arrays").iterdir())
    prepared.record_measurement(a_measurement(), a_result(2), replace=True)
    new = set((prepared.path / "arrays").iterdir())
    assert (len(new), new & old) == (1, set())


def test_a_measurement_can_be_replaced_again_and_again_in_one_burst(prepared):
    with prepared.burst():
        for seed in range(4):
            prepared.record_measurement(a_measurement(), a_result(seed), replace=True)
            assert same_result(prepared.result("m1"), a_result(seed))


def test_a_success_that_is_kept_keeps_its_values_and_arrays(prepared):
    prepared.record_measurement(a_measurement(), a_result(1))
    assert not prepared.record_measurement(a_measurement(), a_result(2))
    assert same_result(prepared.result("m1"), a_result(1))


def test_a_success_survives_a_failure_that_is_to_replace_it(prepared):
    prepared.record_measurement(a_measurement(), a_result(1))
    assert not prepared.record_measurement(a_measurement(status="failed", error="no"), Result(), replace=True)
    assert prepared.measurement("m1").status == "done"
    assert same_result(prepared.result("m1"), a_result(1))


def test_a_failure_takes_the_place_of_a_failure(prepared):
    prepared.record_measurement(a_measurement(status="failed", error="first"), Result())
    assert prepared.record_measurement(a_measurement(status="failed", error="second"), Result())
    assert prepared.measurement("m1").error == "second"


def test_a_record_that_cannot_be_kept_changes_nothing(prepared):
    record = a_measurement(training=None)
    prepared.record_measurement(record, a_result(1))
    with pytest.raises(ValueError, match="not JSON compliant"):
        prepared.record_measurement(replace(record, params={"x": float("nan")}), a_result(2), replace=True)
    assert same_result(prepared.result("m1"), a_result(1))
    assert prepared.verify().problems == ()


def test_measurements_of_a_training_are_given_in_the_order_in_which_they_were_recorded(prepared):
    # Times are those of the computers' clocks, which may differ.
    for n, minutes in enumerate((2, 0, 1)):
        started = STARTED + timedelta(minutes=minutes)
        prepared.record_measurement(a_measurement(f"m{n}", started=started), Result())
    assert [each.id for each in prepared.measurements_of("t1")] == ["m0", "m1", "m2"]


def test_measurements_of_a_training_count_those_of_pairs_it_is_in(prepared):
    pair = a_measurement("pair", training="t1", other="t2")
    prepared.record_measurement(pair, Result())
    prepared.record_measurement(a_measurement("alone", training="t3"), Result())
    assert prepared.measurements_of("t1") == prepared.measurements_of("t2") == [pair]


def test_the_latest_of_both_kinds_are_given_separately(prepared):
    prepared.record_training(a_training("old"), [], weights())
    prepared.record_training(a_training("new", started=STARTED + timedelta(days=1)), [], weights())
    prepared.record_measurement(a_measurement("m1"), Result())
    trainings, measurements = prepared.recent()
    assert [each.id for each in trainings] == ["new", "old"]
    assert measurements == [replace(a_measurement("m1"))]


def test_where_arrays_are_can_be_queried(prepared):
    prepared.record_measurement(a_measurement(), Result(arrays={"a": np.zeros((0, 3), np.int8), "b/c": np.eye(2)}))
    found = prepared.query("select name, shape, dtype, owner from arrays order by name").to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("a", [0, 3], "int8", "m1"),
        ("b/c", [2, 2], "float64", "m1"),
    ]
