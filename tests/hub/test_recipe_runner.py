"""Metrics that have others measured."""

import pytest

from vaehub import VaehubError, WorkFailed

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


def test_what_a_metric_has_measured_is_recorded_as_if_a_user_had_asked(hub):
    found = hub.run("vae", "chosen", settings=QUICK)[0]
    rows = list(
        hub.sql("select metric, name, latent_dim, value from results where name in ('elbo', 'variance') order by all")
    )
    assert [row[:3] for row in rows] == [("elbo", "elbo", 1), ("elbo", "elbo", 2), ("spread", "variance", None)]
    bounds = {width: value for metric, _, width, value in rows if metric == "elbo"}
    assert found["best"] == max(bounds, key=bounds.get)
    assert found["spread"] == rows[-1][-1]


def test_a_metric_of_recipes_says_of_which(hub):
    hub.run("beta_vae", "chosen", settings=QUICK | {"model.beta": 2.0})
    [row] = hub.sql("select model, dataset, beta, recipe ->> '$.train.params.epochs' from results where name = 'best'")
    assert row == ("beta_vae", "digits", 2.0, "1")


def test_another_search_takes_from_the_store_what_the_first_had_measured(hub, events):
    hub.run("vae", "chosen", settings=QUICK)
    events.clear()
    hub.run("vae", "chosen", settings=QUICK | {"metric.widths": [1, 2, 4]})
    assert [event[0] for event in events].count("started") == 1
    assert [event[1] for event in events if event[0] == "measured"] == ["elbo", "chosen"]


def test_what_fails_inside_fails_the_metric_with_its_reason_and_leaves_the_rest(hub):
    with pytest.raises(WorkFailed, match="metric 'chosen' failed: .*unknown metric 'elbow_of_nothing'"):
        hub.run("vae", "chosen", settings=QUICK | {"metric.ask": "elbow_of_nothing"})
    [(status, error)] = hub.sql("select status, error from measurements where metric = 'chosen'")
    assert status == "failed"
    assert "elbow_of_nothing" in error


def test_a_recipe_is_refused_before_anything_is_trained(hub, events):
    with pytest.raises(VaehubError, match="refuses 1797 observations"):
        hub.run("vae", ["elbo", "chosen"], settings=QUICK | {"metric.chosen.refuse": True})
    assert events == []
    assert hub.recent() == ([], [])
