"""The façade: every contract, once and only once, and what goes wrong."""

import pytest

from vaehub import Hub, StoreError, VaehubError, WorkFailed

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


def test_run_trains_measures_and_answers_from_the_store_afterwards(hub, events):
    first = hub.run("vae", ["elbo", "relevance"], settings=QUICK)
    second = hub.run("vae", ["elbo", "relevance"], settings=QUICK)
    assert [each.reused for each in first] == [False, False]
    assert [each.reused for each in second] == [True, True]
    assert [kind for kind, *_ in events] == ["started", "epoch", "trained", "measured", "measured"]
    assert first[0]["elbo"] == second[0]["elbo"]


def test_force_trains_and_measures_again(hub, events):
    hub.run("vae", "elbo", settings=QUICK)
    [again] = hub.run("vae", "elbo", settings=QUICK, force=True)
    assert not again.reused
    assert [kind for kind, *_ in events].count("started") == 2


def test_metrics_of_data_need_no_training(hub, events):
    [found] = hub.run("vae", "spread", settings=QUICK)
    assert found["variance"] > 0
    assert found.training is None
    assert [kind for kind, *_ in events] == ["measured"]
    assert hub.measure("spread", "digits").reused


def test_metrics_of_pairs_compare_two_trainings(hub):
    a, b = (hub.recipe("vae", seed=seed, settings=QUICK) for seed in (0, 1))
    found = hub.measure("distance", (a, b))
    assert found["distance"] > 0
    assert (found.record.training, found.record.other) == (a.id, b.id)
    assert hub.measure("distance", (a, a))["distance"] == 0


def test_metrics_of_recipes_train_what_they_need_once(hub, events):
    found = hub.run("vae", "widths", settings=QUICK)[0]
    assert found["size"].tolist() == [1, 2, 3]
    started = [kind for kind, *_ in events].count("started")
    assert started == 3
    hub.run("vae", "widths", settings=QUICK | {"metric.widest": 2})
    assert [kind for kind, *_ in events].count("started") == started
    assert hub.sql("select model, dataset from results where metric = 'widths' limit 1").to_arrow().to_pylist() == [
        {"model": "vae", "dataset": "digits"}
    ]


def test_a_pair_cannot_be_run(hub):
    with pytest.raises(
        VaehubError, match="metric 'distance' compares two trainings; ask 'vaehub compare A B --metric distance'"
    ):
        hub.run("vae", "distance", settings=QUICK)


def test_a_metric_is_asked_of_what_it_measures(hub, recipe):
    with pytest.raises(VaehubError, match="metric 'distance' compares two trainings"):
        hub.measure("distance", recipe)
    with pytest.raises(VaehubError, match="needs two trainings"):
        hub.measure("distance", "digits")


def test_a_refusal_comes_before_the_training(hub, events):
    with pytest.raises(VaehubError, match="wants something else"):
        hub.run("vae", ["elbo", "fussy"], settings=QUICK | {"metric.fussy.refuse": True})
    assert events == []
    assert hub.recent() == ([], [])


def test_a_metric_that_fails_is_recorded_as_failed_and_tried_again(hub):
    for _ in range(2):
        with pytest.raises(WorkFailed, match="metric 'fussy' failed: ZeroDivisionError: the metric's own fault"):
            hub.run("vae", "fussy", settings=QUICK | {"metric.fail": True})
    trainings, measurements = hub.recent()
    assert [each.status for each in trainings] == ["done"]
    [failed] = measurements
    assert failed.status == "failed"
    assert failed.error.startswith("ZeroDivisionError: the metric's own fault (conftest.py, line ")
    assert len(hub.sql("from results")) == 0


def test_a_training_that_fails_is_recorded_as_failed_and_tried_again(hub, events):
    wild = QUICK | {"train.learning_rate": 1e30, "train.epochs": 3}
    for _ in range(2):
        with pytest.raises(WorkFailed, match="of model 'vae' with seed 0 failed: training diverged in epoch"):
            hub.run("vae", "elbo", settings=wild)
    assert [each.status for each in hub.recent()[0]] == ["failed"]
    assert [kind for kind, *_ in events].count("started") == 2
    assert ("trained", hub.recent()[0][0].id, "failed") in events


def test_a_manifest_that_says_the_wrong_subject_is_found_out(hub):
    with pytest.raises(VaehubError, match="which is no ModelMetric.*; this is a fault of that package"):
        hub.run("vae", "lying", settings=QUICK)


def test_measurements_have_a_seed_of_their_own(hub, recipe):
    drawn = [hub.measure("fussy", recipe, seed=seed)["drawn"] for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    assert hub.measure("fussy", recipe, seed=0, force=True)["drawn"] == drawn[0]


def test_a_stored_training_can_be_had_as_a_model(hub, recipe):
    record = hub.train(recipe)
    model, data = hub.model(record.id[:8])
    assert model.encode_all(data).mu.shape == (1797, 3)
    assert set(data.splits) == {"train", "validation"}


def test_a_stored_recipe_is_the_recipe(hub, recipe):
    assert hub.stored_recipe(hub.train(recipe).id) == recipe


def test_a_measurement_is_no_training(hub):
    [found] = hub.run("vae", "elbo", settings=QUICK)
    with pytest.raises(VaehubError, match="is a measurement, and a training was expected"):
        hub.model(found.id)


def test_weights_that_are_gone_are_missed(hub, recipe):
    hub.train(recipe)
    for path in (hub.store.path / "arrays").iterdir():
        path.unlink()
    # This hub remembers the model that it has just trained; another has to ask for it.
    with pytest.raises(StoreError, match="is missing; 'vaehub verify' shows all"):
        Hub(hub.store, hub.catalog, "cpu").measure("elbo", recipe)


def test_a_recipe_has_no_metric(hub):
    with pytest.raises(VaehubError, match="a recipe has no metric"):
        hub.recipe("vae", settings={"metric.split": "all"})


def test_a_negative_seed_is_refused(hub):
    with pytest.raises(VaehubError, match="seed is -1 and should be from 0 to"):
        hub.run("vae", "elbo", seed=-1)


def test_no_metric_is_no_request(hub):
    with pytest.raises(VaehubError, match="no metric was asked for"):
        hub.run("vae", [])


def test_a_tracker_that_fails_costs_no_training(hub, caplog):
    from vaehub.registry import hookimpl

    class Bad:
        @hookimpl
        def vaehub_trained(self, training_id, status, seconds):
            raise RuntimeError("no connection")

    hub.catalog.manager.register(Bad(), name="acme:tracker")
    assert not hub.run("vae", "elbo", settings=QUICK)[0].reused
    assert "plugin 'acme:tracker' failed when told of trained" in caplog.text
