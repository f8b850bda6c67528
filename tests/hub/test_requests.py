"""From names and settings to requests."""

import pytest

from vaehub import VaehubError
from vaehub.hub.requests import metrics_of, recipe_of, restored_component, restored_recipe, split_settings


def recipe(hub, **settings):
    split = split_settings(settings)
    return recipe_of(hub.catalog, model="ard", network="mlp", dataset="digits", seed=3, settings=split)


def test_settings_go_where_their_scope_says(hub):
    found = recipe(hub, **{"model.latent_dim": "7", "network.hidden": [5], "train.epochs": 2})
    assert (found.model.params.latent_dim, found.network.params.hidden, found.train.epochs) == (7, (5,), 2)


@pytest.mark.parametrize("key", ["latent_dim", "modl.latent_dim", "model.", "model"])
def test_a_setting_without_a_scope_is_refused(key):
    with pytest.raises(VaehubError, match=f"setting '{key}' does not begin with a scope; write one of 'model.NAME'"):
        split_settings({key: 1})


def test_text_and_numbers_are_the_same_request(hub):
    assert recipe(hub, **{"model.beta": "2"}).id == recipe(hub, **{"model.beta": 2.0}).id


def test_a_stored_recipe_is_restored(hub):
    first = recipe(hub, **{"model.beta": 2})
    assert restored_recipe(hub.catalog, first.identity()) == first


def test_what_was_stored_in_another_revision_is_refused(hub):
    stored = recipe(hub).model.identity() | {"revision": 99}
    with pytest.raises(VaehubError, match="model 'ard' is installed in revision 1, and was stored in revision 99"):
        restored_component(hub.catalog, "model", stored)


def test_a_stored_metric_is_restored_by_its_parameters_of_today(hub):
    stored = {"name": "relevance", "distribution": "vaehub", "revision": 3, "params": {"part": "validation"}}
    assert restored_component(hub.catalog, "metric", stored).params.split == "validation"
    later = stored | {"revision": 99}
    assert restored_component(hub.catalog, "metric", later, any_revision=True).params.split == "validation"
    probe = stored | {"revision": 1, "name": "downstream_probe", "params": {"train_part": "all", "test_part": "test"}}
    params = restored_component(hub.catalog, "metric", probe).params
    assert (params.train_split, params.test_split) == ("all", "test")


def test_several_metrics_need_settings_by_name(hub):
    names = ["relevance", "elbo"]
    (_, relevance), (_, elbo) = metrics_of(hub.catalog, names, {"relevance.n_samples": 5, "elbo.split": "all"}, str)
    assert (relevance.params.n_samples, elbo.params.split) == (5, "all")
    with pytest.raises(
        VaehubError, match="'metric.split' does not say which of relevance, elbo it is for; write 'metric.rel"
    ):
        metrics_of(hub.catalog, names, {"split": "all"}, str)


def test_one_metric_needs_no_name(hub):
    [(_, part)] = metrics_of(hub.catalog, ["relevance"], {"n_samples": 5}, str)
    assert part.params.n_samples == 5
