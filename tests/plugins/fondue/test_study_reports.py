"""What the study of FONDUE shows beside the thesis's tables: models, epochs and seconds of the search that answered."""

import json

import duckdb
import pytest

from vaehub.hub.study.definition import Definition
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

SEARCHES = [
    # metric, search, epochs of each of its trainings, and seconds
    ("fondue", "doubling", [("a", 1, 10.0), ("b", 1, 20.0), ("c", 2, 300.0), ("d", 2, 400.0)]),
    ("fondue_ib", "supervised", [("a", 2, 10.0), ("e", 2, 7.0)]),
]


@pytest.fixture
def ask():
    """Return what asks for a report, of two searches whose answers come after 2 epochs; each stands at two cells."""
    connection = duckdb.connect()
    connection.execute("create table trainings (id varchar, seconds double)")
    connection.execute(
        "create table results (cell int, model varchar, network varchar, dataset varchar, metric varchar, "
        "name varchar, value double, keys json, params json, measurement varchar)"
    )
    for metric, search, trained in SEARCHES:
        rows = [("n_latents", 11, None), ("n_trained", len(trained), None), ("n_models", 2, None), ("epochs", 2, None)]
        rows += [("n", 9, {"epochs": epochs, "step": 1, "training": each}) for each, epochs, _ in trained]
        for cell in (0, 1):
            for name, value, keys in rows:
                keys = None if keys is None else json.dumps(keys)
                params = json.dumps({"search": search, "start": None})
                row = (cell, "vae", "conv_higgins", "sprites", metric, name, value, keys, params, metric)
                connection.execute(f"insert into results values ({', '.join('?' * len(row))})", row)
        for each, _, seconds in trained:
            connection.execute(
                "insert into trainings select ?, ? where ? not in (from trainings select id)", (each, seconds, each)
            )
    reports = {
        each.name: each.sql
        for each in Definition("fondue", Catalog().find("study", "fondue").read()).at("quick").reports
    }
    return lambda name: connection.execute(reports[name]).fetchall()


@pytest.mark.parametrize(("table", "algorithm", "seconds"), [("8.1", "fondue", 700.0), ("D.5", "ib", 17.0)])
def test_models_epochs_and_seconds_are_those_of_the_search_that_answered(ask, table, algorithm, seconds):
    rows = ask(table)
    assert {row[:2] for row in rows} == {("dsprites", algorithm)}
    for name, value in (("n_latents", 11), ("models_trained", 2), ("epochs_per_training", 2), ("seconds", seconds)):
        assert [row[3] for row in rows if row[2] == name] == [value] * 2, "once for each cell"


@pytest.mark.parametrize("table", ["8.1", "8.2", "8.3", "8.6", "8.7", "8.8", "D.5"])
def test_every_table_of_searches_has_seconds_that_are_published(table):
    paper = Paper("polarised_regime", Catalog().find("published", "polarised_regime").read())
    figures = [figure for figure in paper.figures() if figure.table == table]
    assert {"n_latents", "seconds", "models_trained", "epochs_per_training"} == {figure.name for figure in figures}
