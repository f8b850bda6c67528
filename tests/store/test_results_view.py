"""The view ``results``: every value with everything a reader wants beside it."""

import pytest
from stored_samples import RECIPE, a_measurement, a_training, weights

from vaehub.core.result import Result, Vector


@pytest.fixture
def prepared(store):
    store.prepare()
    return store


def rows(store, columns="*"):
    return store.query(f"select {columns} from results order by name, index").to_pylist()


def changed(part, **params):
    return RECIPE | {part: RECIPE[part] | {"params": params}}


def test_a_value_of_a_training_stands_beside_what_was_trained(prepared):
    prepared.record_training(a_training(), [], weights())
    prepared.record_measurement(a_measurement(), Result({"total": 0.5}))
    [row] = rows(prepared, "study, model, network, dataset, seed, latent_dim, beta, metric, name, index, value")
    expected = {"study": None, "model": "beta_vae", "network": "mlp", "dataset": "digits", "seed": 7}
    assert row == expected | {
        "latent_dim": 4,
        "beta": 2.5,
        "metric": "relevance",
        "name": "total",
        "index": None,
        "value": 0.5,
    }


def test_values_of_a_vector_have_index_and_label(prepared):
    prepared.record_measurement(a_measurement(), Result(vectors={"kl": Vector([0.1, 0.2], "layer", ["in", "out"])}))
    found = rows(prepared, "index_name, index, label, value")
    assert [tuple(row.values()) for row in found] == [("layer", 0, "in", 0.1), ("layer", 1, "out", 0.2)]


def test_a_value_of_a_recipe_stands_beside_its_parts(prepared):
    prepared.record_measurement(a_measurement(subject={"recipe": RECIPE}, training=None), Result({"n": 1}))
    [row] = rows(prepared, "model, network, dataset, seed")
    assert tuple(row.values()) == ("beta_vae", "mlp", "digits", 3)


def test_a_value_of_a_pair_stands_beside_the_first_training_and_names_both(prepared):
    for name, latent_dim in (("t1", 4), ("t2", 8)):
        prepared.record_training(a_training(name, latent_dim=latent_dim), [], weights())
    prepared.record_measurement(a_measurement(subject={"pair": ["t1", "t2"]}, other="t2"), Result({"cka": 1}))
    [row] = rows(prepared, "latent_dim, training, other")
    assert tuple(row.values()) == (4, "t1", "t2")


def test_a_model_without_beta_has_none(prepared):
    prepared.record_training(a_training(recipe=changed("model", latent_dim=4)), [], weights())
    prepared.record_measurement(a_measurement(), Result({"n": 1}))
    assert rows(prepared, "beta") == [{"beta": None}]


@pytest.mark.parametrize("beta", ["annealed", {"start": 0.0, "end": 4.0}, [0.0, 4.0]])
def test_a_model_whose_beta_is_no_number_does_not_spoil_the_view(prepared, beta):
    # A stranger's model may call anything beta, and everybody reads this view.
    prepared.record_training(a_training(recipe=changed("model", beta=beta)), [], weights())
    prepared.record_measurement(a_measurement(), Result({"n": 1}))
    assert rows(prepared, "beta, value") == [{"beta": None, "value": 1.0}]


def test_every_value_is_one_row(prepared):
    prepared.record_training(a_training(), [], weights())
    prepared.record_measurement(a_measurement("m1"), Result({"n": 1}, {"v": [1, 2, 3]}))
    prepared.record_measurement(a_measurement("m2", other="t1"), Result({"n": 1}))
    assert len(rows(prepared)) == 5


def test_values_that_a_failure_left_are_not_results(prepared):
    prepared.record_measurement(a_measurement(status="failed", error="no"), Result({"n": 1}))
    assert rows(prepared) == []
