"""The figures of five papers: all of them there, each told apart from the others, numbers as numbers."""

import json
from collections import Counter

import pytest

from vaehub import Hub
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

# As many rows as each paper's tables have figures.
ROWS = {"intervention": 90, "mnist_vae": 12, "ard": 456, "polarised_regime": 468, "latent_response": 120}
TABLES = {
    "intervention": {"3.1": 24, "3.2": 24, "3.3": 12, "A.1": 16, "A.2": 11, "text": 3},
    "mnist_vae": {"comparison": 6, "text": 6},
    "latent_response": {"1": 32, "2": 20, "3": 40, "text": 28},
}


@pytest.fixture(scope="module")
def figures():
    catalog = Catalog()
    return {each.entry.name: Paper(each.entry.name, each.read()).figures() for each in catalog.entries("published")}


def test_every_paper_has_all_its_figures(figures):
    assert {name: len(found) for name, found in figures.items()} == ROWS


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_all_its_figures(figures, name):
    assert Counter(figure.table for figure in figures[name]) == TABLES[name]


@pytest.mark.parametrize("name", ROWS)
def test_figures_are_told_apart(figures, name):
    places = [(figure.table, json.dumps(figure.keys, sort_keys=True), figure.name) for figure in figures[name]]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", ROWS)
def test_spreads_have_a_kind_and_are_not_negative(figures, name):
    for figure in figures[name]:
        assert (figure.spread is None) or (figure.spread >= 0 and figure.spread_kind in ("se", "sd", "ci95", "unknown"))
        assert figure.value is not None or figure.note


def test_some_figures_are_those_that_are_printed(figures):
    found = {
        (figure.table, figure.keys.get("dataset"), figure.keys.get("classes"), figure.name): figure
        for figure in figures["intervention"]
    }
    first = found["3.1", "mnist", 5, "diversity"]
    assert (first.value, first.spread, first.spread_kind, first.n_runs) == (0.781, 0.007, "se", 10)
    assert found["3.2", "fashion_mnist", 1, "ratio_sum"].value == 0.391
    losses = {(figure.keys.get("latent_dim"), figure.name): figure.value for figure in figures["mnist_vae"]}
    assert (losses[2, "total_loss"], losses[16, "total_loss"]) == (143.0, 97.51)


def test_every_store_has_them(tmp_path):
    hub = Hub.open(tmp_path / "store")
    hub.store.prepare()
    assert dict(hub.sql("select study, count(*) from published group by study")) == ROWS
