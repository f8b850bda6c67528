"""Results as people hold them: in a notebook, in a data frame, by name."""

import numpy as np
import pyarrow as pa
import pytest

from vaehub import Result, VaehubError, Vector
from vaehub.hub.views import Rows, reading_order

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


@pytest.fixture
def found(hub):
    return hub.run("vae", ["relevance", "elbo"], seed=[0, 1], settings=QUICK)


def test_a_value_is_had_by_name(found):
    assert found[0]["n_active"] == found[0].result.scalars["n_active"]
    assert found[0]["relevance"].shape == (3,)
    with pytest.raises(KeyError, match="relevance has no 'n_activ', it has n_active"):
        found[0]["n_activ"]


def test_every_value_is_a_row_as_in_the_database(found, hub):
    columns = ["model", "network", "dataset", "seed", "latent_dim", "metric", "name", "index", "value", "measurement"]
    stored = hub.sql(f"select {', '.join(columns)} from results").to_arrow().to_pylist()
    given = found.to_arrow().select(columns).to_pylist()

    def key(row):
        return tuple(str(row[name]) for name in columns)

    assert sorted(map(key, given)) == sorted(map(key, stored))


def test_rows_become_a_data_frame(found):
    pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert len(frame) == 2 * (5 * 3 + 6) + 2 * 4
    assert frame.query("name == 'n_active'").seed.tolist() == [0, 1]


def test_a_notebook_shows_names_and_numbers(found, hub):
    page = found._repr_html_()
    assert "relevance" in page
    assert "vae on digits, seed 1" in page
    assert f"{found[0]['n_active']:g}" in page
    rows = hub.sql("select '<b>' as risky, 1.5 as number")
    assert "&lt;b&gt;" in rows._repr_html_()


def test_measurements_are_a_sequence(found):
    assert len(found) == 4
    assert [each.record.metric for each in found[:2]] == ["relevance", "elbo"]
    assert "relevance " in repr(found)


def test_rows_of_a_query_are_tuples(found, hub):
    rows = hub.sql("select distinct seed from results order by seed")
    assert (rows.columns, list(rows), len(rows)) == (["seed"], [(0,), (1,)], 2)


def test_latents_are_read_from_the_greatest_down_and_layers_in_order():
    values = np.array([1.0, 3.0, 2.0])
    assert reading_order({"a": Vector(values)}) == [1, 2, 0]
    assert reading_order({"a": Vector(values, "layer")}) == [0, 1, 2]


def test_tables_of_results_have_their_keys_in_every_row(hub):
    from vaehub import Table
    from vaehub.hub.views import _values

    rows = list(_values(Result(tables={"pairs": Table({"a": ["x", "y"]}, {"cka": [0.5, 1.0]})})))
    assert rows == [("cka", "pairs", 0, None, '{"a":"x"}', 0.5), ("cka", "pairs", 1, None, '{"a":"y"}', 1.0)]


def test_the_answer_to_a_query_is_known_by_names_and_values_in_order():
    def digest(**columns):
        return Rows(pa.table(columns)).digest

    rows = digest(x=[1, 2], y=[3, 4])
    assert rows == digest(x=[1, 2], y=[3, 4])
    others = {digest(y=[1, 2], x=[3, 4]), digest(x=[2, 1], y=[4, 3]), digest(x=[1, 2], z=[3, 4]), digest(x=[1, 2])}
    assert len(others) == 4
    assert rows not in others


def test_columns_of_one_name_are_refused_where_names_tell_them_apart():
    with pytest.raises(VaehubError, match="two columns are named 'a', and a metric tells columns by their names; name"):
        Rows(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])).to_numpy()
