"""What goes into a store comes out of it, and success is never lost."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaehub import Result, StoreError, Table, VaehubError, Vector
from vaehub.store.store import Store

NUMBERS = st.floats(width=64)
NAMES = st.text("abc_", min_size=1, max_size=4)
COLUMNS = st.lists(NUMBERS, min_size=2, max_size=2)
RESULTS = st.builds(
    Result,
    scalars=st.dictionaries(NAMES, NUMBERS, max_size=3),
    vectors=st.dictionaries(
        NAMES,
        st.lists(NUMBERS, min_size=1, max_size=4)
        | st.builds(lambda values: Vector(values, "layer", [f"l{at}" for at in range(len(values))]), COLUMNS),
        max_size=3,
    ),
    tables=st.dictionaries(
        NAMES,
        st.builds(
            lambda columns, a: Table({"a": a, "b": [1, 2]}, columns),
            st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=2),
            st.lists(st.text(max_size=3), min_size=2, max_size=2),
        ),
        max_size=2,
    ),
)


def same(a, b):
    assert a.scalars.keys() == b.scalars.keys()
    np.testing.assert_array_equal(list(a.scalars.values()), list(b.scalars.values()))
    assert list(a.vectors) == list(b.vectors)
    for name, vector in a.vectors.items():
        assert (vector.index, vector.labels) == (b.vectors[name].index, b.vectors[name].labels)
        np.testing.assert_array_equal(vector.values, b.vectors[name].values)
    assert list(a.tables) == list(b.tables)
    for name, table in a.tables.items():
        assert table.keys == b.tables[name].keys
        assert list(table.columns) == list(b.tables[name].columns)
        for column, values in table.columns.items():
            np.testing.assert_array_equal(values, b.tables[name].columns[column])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(result=RESULTS)
def test_a_result_comes_back_as_it_was(store, make_measurement, result):
    store.prepare()
    record = make_measurement()
    store.record_measurement(record, result, replace=True)
    same(store.result(record.id), result)


def test_arrays_of_a_result_come_back(filled, make_training, make_measurement):
    found = filled.result(make_measurement(make_training()).id)
    assert np.array_equal(found.arrays["matrix"], np.eye(2))


def test_a_training_comes_back_with_its_losses_and_weights(filled, make_training, epochs, weights):
    [found] = filled.recent()[0]
    assert found.id == make_training().id
    assert (found.name_of("model"), found.seed, found.notes) == ("beta_vae", 0, ["small data"])
    assert filled.epochs(found.id) == epochs
    stored = filled.weights(found.id)
    assert all(np.array_equal(stored[name], weights[name]) for name in weights)
    assert stored["encoder.weight"].dtype == np.float32


def test_a_failure_never_takes_the_place_of_a_success(filled, make_training, epochs):
    failed = make_training(status="failed", error="no")
    assert not filled.record_training(failed, [], None, replace=True)
    assert filled.training(failed.id).status == "done"
    assert filled.epochs(failed.id) == epochs


def test_a_success_takes_the_place_of_a_failure(store, make_measurement):
    store.prepare()
    store.record_measurement(make_measurement(status="failed", error="no"), Result())
    record = make_measurement()
    assert store.record_measurement(record, Result(scalars={"n": 1}))
    assert store.measurement(record.id).status == "done"
    assert store.result(record.id).scalars == {"n": 1}


def test_a_success_is_kept_unless_it_is_to_be_replaced(filled, make_training, make_measurement):
    record = make_measurement(make_training())
    assert not filled.record_measurement(record, Result(scalars={"n_active": 9}))
    assert filled.result(record.id).scalars["n_active"] == 2
    assert filled.record_measurement(record, Result(scalars={"n_active": 9}), replace=True)
    assert filled.result(record.id).scalars == {"n_active": 9}


@pytest.mark.parametrize("replace", [False, True])
def test_no_file_is_left_that_nothing_points_at(filled, make_training, replace):
    filled.record_training(make_training(), [], {"w": np.zeros(3)}, replace=replace)
    found = filled.verify()
    assert (found.problems, found.leftovers) == ((), ())


def test_the_view_has_what_a_reader_wants_beside_each_value(filled):
    query = "select * from results where name = 'kl' order by index"
    first = filled.query(query).to_pylist()[0]
    expected = {"model": "beta_vae", "network": "mlp", "dataset": "digits", "seed": 0, "latent_dim": 3, "beta": 4.0}
    expected |= {"metric": "relevance", "index_name": "latent", "index": 0, "label": None, "value": 0.5, "study": None}
    assert expected.items() <= first.items()


def test_the_view_has_no_failures(store, make_measurement):
    store.prepare()
    store.record_measurement(make_measurement(status="failed", error="no"), Result(scalars={"n": 1}))
    assert store.query("from results").num_rows == 0


def test_the_view_tells_rows_of_a_table_apart_by_their_keys(filled):
    query = "select keys ->> 'b' as b, value from results where index_name = 'pairs' order by b"
    assert filled.query(query).to_pylist() == [{"b": "1", "value": 0.5}, {"b": "2", "value": float("inf")}]


def test_the_dataset_of_a_dataset_metric_is_in_the_view(store, make_measurement):
    store.prepare()
    store.record_measurement(make_measurement(), Result(scalars={"n": 1}))
    assert store.query("select dataset, model from results").to_pylist() == [{"dataset": "digits", "model": None}]


def test_a_process_is_recorded_once_whatever_it_writes(filled, make_measurement):
    filled.record_measurement(make_measurement(seed=5), Result())
    [row] = filled.query("select vaehub, plugins, python, torch, command_line from provenance").to_pylist()
    assert row["plugins"] == '{"vaehub": "0.1.0"}'


def test_the_latest_come_first(filled, make_measurement):
    filled.record_measurement(make_measurement(seed=5), Result())
    assert [each.seed for each in filled.recent()[1]] == [5, 0]
    assert len(filled.recent(limit=1)[1]) == 1


def test_the_beginning_of_an_id_is_enough(filled, make_training):
    assert filled.resolve(make_training().id[:7]) == ("training", make_training().id)


def test_an_id_that_begins_several_records_is_refused(filled, make_measurement):
    for seed in range(1, 40):
        filled.record_measurement(make_measurement(seed=seed), Result())
    first = {filled.query("select id from measurements").to_pylist()[at]["id"][0] for at in range(40)}
    counted = [letter for letter in first if _count(filled, letter) > 1]
    with pytest.raises(VaehubError, match=f"{_count(filled, counted[0])} records have an id that begins with"):
        filled.resolve(counted[0])


def _count(store, letter):
    query = "select count(*) as n from (select id from measurements union all select id from trainings) "
    return store.query(query + f"where starts_with(id, '{letter}')").to_pylist()[0]["n"]


@pytest.mark.parametrize("prefix", ["zz", ""])
def test_an_id_of_nothing_is_refused(filled, prefix):
    with pytest.raises(VaehubError, match=f"has an id that begins with '{prefix}'"):
        filled.resolve(prefix)


def test_a_burst_is_as_many_commits_and_lets_nobody_query_in_between(store, make_measurement):
    with store.burst():
        for seed in range(30):
            store.record_measurement(make_measurement(seed=seed), Result(scalars={"n": seed}))
        with pytest.raises(StoreError, match="in the middle of a burst"):
            store.query("from results")
    assert store.query("from results").num_rows == 30


def test_a_store_that_is_not_there_is_empty_and_stays_away(tmp_path):
    store = Store.open(tmp_path / "none")
    assert store.recent() == ([], [])
    assert store.training("a") is None
    assert not (tmp_path / "none").exists()
