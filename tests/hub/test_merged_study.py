"""The cells of a study made in two stores, then merged, answer as if they had been made in one."""

import pytest

from vaehub.hub import Hub

SETTINGS = {"data.subset": 200, "train.epochs": 1, "model.latent_dim": 2}
METRICS = ["elbo", "representation_signature"]
STUDY = """
title = "quick"
[recipe]
"data.subset" = 200
"train.epochs" = 1
"model.latent_dim" = 2
[axes]
model = ["vae", "beta_vae"]
seed = [0, 1]
[metrics.elbo]
[metrics.representation_signature]
[[reports]]
name = "bounds"
sql = "select model, seed, name, value from results where metric = 'elbo' order by all"
"""
SAME = (
    "from results order by all",
    "select * exclude (started, seconds, provenance, weights) from trainings order by id",
    "select * exclude (started, seconds, provenance) from measurements order by id",
    "from epochs order by all",
    "from signatures order by all",
)


@pytest.mark.slow
def test_a_study_made_in_two_stores_and_merged_answers_as_if_made_in_one(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(STUDY)
    whole, one, other = (Hub.open(tmp_path / name) for name in ("whole", "one", "other"))
    for hub, seeds in ((whole, (0, 1)), (one, (0,)), (other, (1,))):
        for model in ("vae", "beta_vae"):
            hub.run(model=model, metric=METRICS, seed=seeds, settings=SETTINGS)
    [found] = one.store.merge(other.store.path)
    assert (found.conflicts, found.n_withheld) == ((), 0)
    for query in SAME:
        assert str(one.sql(query).to_arrow().to_pylist()) == str(whole.sql(query).to_arrow().to_pylist())
    states = [hub.study(path).state() for hub in (one, whole)]
    assert [(each.n_measurements, each.done, each.failed, each.running) for each in states] == [(8, 8, 0, 0)] * 2
    tables = [[table.rows for table in hub.study(path).report()] for hub in (one, whole)]
    assert str(tables[0]) == str(tables[1])
    # The reports have entered the study: now its views answer too.
    query = "from study_results order by all"
    assert str(one.sql(query).to_arrow().to_pylist()) == str(whole.sql(query).to_arrow().to_pylist())
    for training in whole.recent()[0]:
        assert one.show(training.id).epochs == whole.show(training.id).epochs
        asked = one.run(model=training.name_of("model"), metric="elbo", seed=training.seed, settings=SETTINGS)
        assert all(each.reused for each in asked)
    verified = one.verify()
    assert (verified.problems, verified.leftovers) == ((), ())
