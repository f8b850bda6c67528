"""Two models with each of their seeds."""

import numpy as np
import pytest

from vaehub import Result, Table, VaehubError, Vector
from vaehub.hub.compare import mean_result, pairs_of

QUICK = {"train.epochs": 1, "model.latent_dim": 3, "data.subset": 100}


def table(*values, layer=("x", "y")):
    return Result(
        scalars={"n": len(values)},
        vectors={"v": Vector(values, "layer", layer)},
        tables={"similarity": Table({"layer_a": list(layer)}, {"cka": values, "width": [3, 4]})},
    )


def recipes(hub, *models):
    return [hub.recipe(model, settings=QUICK) for model in models]


def test_two_models_are_compared_with_each_of_their_seeds(hub):
    vae, ae = recipes(hub, "vae", "ae")
    found = hub.compare(vae, ae, "distance", seeds=[0, 1])
    assert [each.record.subject["pair"] for each in found.measurements] == [
        [one.id, other.id] for one in (vae, vae.vary(seed=1)) for other in (ae, ae.vary(seed=1))
    ]
    distances = [each["distance"] for each in found.measurements]
    assert len(set(distances)) == 4
    assert found.result.scalars["distance"] == pytest.approx(np.mean(distances))
    [(count,)] = hub.sql("select count(*) from trainings")
    assert count == 4


def test_ids_are_as_good_as_recipes(hub):
    vae, ae = recipes(hub, "vae", "ae")
    by_recipe = hub.compare(vae, ae, "distance")
    by_id = hub.compare(vae.id[:8], ae.id[:8], "distance")
    assert by_id.measurements[0].reused
    assert by_id.result.scalars == by_recipe.result.scalars
    assert hub.measure("distance", (vae.id[:8], ae.id[:8])).id == by_id.measurements[0].id


def test_a_training_is_not_compared_with_itself_where_there_are_others(hub):
    [vae] = recipes(hub, "vae")
    pairs = pairs_of(vae, vae, [0, 1, 2, 1])
    assert [(one.seed, other.seed) for one, other in pairs] == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert pairs_of(vae, vae, []) == [(vae, vae)]
    with pytest.raises(VaehubError, match="with one seed there is only itself; give several"):
        pairs_of(vae, vae, [4])


def test_the_mean_is_of_each_row_with_its_spread_beside_it():
    found = mean_result([table(1.0, 0.0), table(3.0, 0.0), table(5.0, float("nan"))])
    columns = found.tables["similarity"].columns
    assert list(columns) == ["cka", "cka_sd", "width"]
    np.testing.assert_allclose(columns["cka"], [3.0, np.nan])
    np.testing.assert_allclose(columns["cka_sd"], [2.0, np.nan])
    assert columns["width"].tolist() == [3, 4]
    np.testing.assert_allclose(found.vectors["v"].values, [3.0, np.nan])
    assert found.vectors["v"].labels == ("x", "y")
    only = table(1.0, 2.0)
    assert mean_result([only]) is only


def test_the_mean_of_different_layers_is_refused():
    with pytest.raises(VaehubError, match="is of the same layers in each training, and these differ"):
        mean_result([table(1.0, 2.0), table(1.0, 2.0, layer=("x", "z"))])


def test_other_metrics_compare_nothing(hub):
    [vae] = recipes(hub, "vae")
    with pytest.raises(VaehubError, match="metric 'elbo' measures a model, and was given something else"):
        hub.compare(vae, vae, "elbo", seeds=[0, 1])
    assert hub.recent() == ([], [])


def test_a_pair_is_refused_before_anything_is_trained(hub, events):
    vae, other = recipes(hub, "vae")[0], hub.recipe("vae", settings={**QUICK, "data.size": 16})
    with pytest.raises(VaehubError, match="compare models of one dataset"):
        hub.compare(vae, other, "cka", seeds=[0, 1])
    assert events == []
