"""One class for each kind of subject; another kind is one class, one contract and one test: this one."""

import sys
import types
from collections.abc import Mapping

import pytest

from vaehub import Hub, Result, VaehubError
from vaehub.core.metric import Metric
from vaehub.core.recipe import Recipe
from vaehub.hub import subjects
from vaehub.hub.subject import Subject
from vaehub.hub.subjects import KINDS, kind_of, shown
from vaehub.registry import Metric as MetricEntry
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin, discover

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


# Identities are in every store, so that they must not change.
def test_the_identity_of_each_kind_is_what_stores_hold(hub, recipe):
    rows = hub_rows(hub, recipe)
    given = {
        "model": recipe,
        "recipe": recipe,
        "dataset": recipe.dataset,
        "pair": (recipe, recipe.vary(seed=1)),
        "rows": rows,
    }
    assert {kind: KINDS[kind].of(what, "m").key() for kind, what in given.items()} == {
        "model": {"training": recipe.id},
        "recipe": {"recipe": recipe.identity()},
        "dataset": {"dataset": recipe.dataset.identity()},
        "pair": {"pair": [recipe.id, recipe.vary(seed=1).id]},
        "rows": {"rows": rows.digest},
    }


def hub_rows(hub, recipe):
    hub.train(recipe)
    return hub.sql("select 1 as a")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("model", "metric 'm' measures a model, and was given something else"),
        ("recipe", "metric 'm' measures a recipe, and was given something else"),
        ("dataset", "metric 'm' measures a dataset, and was given something else"),
        ("pair", "metric 'm' compares two trainings; ask 'vaehub compare A B --metric m', with the ids of both"),
        ("rows", r"metric 'm' measures the rows of a query; a study asks it, or Hub.measure\('m', Hub.sql\(...\)\)"),
    ],
)
def test_what_a_kind_does_not_measure_is_refused(recipe, kind, words):
    other = recipe if kind == "dataset" else recipe.dataset
    with pytest.raises(VaehubError, match=f"^{words}$"):
        KINDS[kind].of(other, "m")


def test_a_kind_that_nobody_knows_is_a_fault_of_the_package():
    with pytest.raises(VaehubError, match="says that it measures 'planet', which is none of model, recipe, dataset"):
        kind_of("planet", "m")


@pytest.mark.parametrize(
    ("metric", "given", "words"),
    [
        ("fussy", lambda recipe: recipe, "training {id}, seed 0"),
        ("distance", lambda recipe: (recipe, recipe), "training {id} and {id}, seed 0"),
        ("spread", lambda recipe: recipe.dataset, "dataset digits"),
        ("widths", lambda recipe: recipe, "vae on digits with network mlp, seed 0"),
    ],
)
def test_a_record_says_what_it_is_of(hub, recipe, metric, given, words):
    found = hub.measure(metric, given(recipe))
    assert shown(found.record) == words.format(id=recipe.id[:8])


# A sixth kind


class SeedsMetric(Metric):
    """A contract: measures the same recipe trained with two seeds."""

    def check(self, first, second, spread):
        """Refuse nothing."""

    def measure(self, first, second, spread):
        raise NotImplementedError


class SeedsSubject(Subject[Recipe]):
    """A recipe, and the same with the next seed."""

    kind = "seeds"
    name = "seeds"
    accepts = Recipe

    def key(self) -> Mapping[str, object]:
        return {"seeds": self.what.id}

    @property
    def trainings(self):
        return self.what, self.what.vary(seed=self.what.seed + 1)

    @staticmethod
    def contract():
        return SeedsMetric

    def arguments(self, models):
        (first, data), (second, _) = map(models.known, self.trainings)
        return first, second, float(data.x.std())

    @classmethod
    def shown(cls, record):
        return f"seeds {record.training[:4]} and {record.other[:4]}"


class Farness(SeedsMetric):
    def measure(self, first, second, spread):
        a, b = (next(model.parameters()) for model in (first, second))
        return Result(scalars={"farness": (a - b).norm(), "spread": spread})


@pytest.fixture
def sixth(hub, monkeypatch):
    """A hub with a metric of a sixth kind."""
    module = types.ModuleType("sixth_test_plugin")
    module.Farness = Farness
    monkeypatch.setitem(sys.modules, "sixth_test_plugin", module)
    monkeypatch.setitem(subjects.KINDS, "seeds", SeedsSubject)
    entry = MetricEntry("farness", "sixth_test_plugin:Farness", "how far seeds are apart", subject="seeds")
    found = discover()
    plugins = (*found.plugins, Plugin("sixth", "tests", "1.0", "sixth_test_plugin", (entry,)))
    return Hub(hub.store, Catalog(Discovered(plugins, found.manager)), "cpu")


def test_a_sixth_kind_is_run_beside_others_measured_stored_and_shown(sixth):
    first = sixth.run("vae", ["farness", "elbo"], settings=QUICK)
    again = sixth.run("vae", ["farness", "elbo"], settings=QUICK)
    assert first[0]["farness"] > 0
    assert [each.reused for each in again] == [True, True]
    recipe = sixth.recipe("vae", settings=QUICK)
    record = sixth.measure("farness", recipe).record
    assert (record.training, record.other) == (recipe.id, recipe.vary(seed=1).id)
    assert shown(record) == f"seeds {recipe.id[:4]} and {record.other[:4]}"
    assert sixth.measure("farness", record.training).reused


STUDY = """
title = "a sixth kind"
[recipe]
model = "vae"
"model.latent_dim" = 3
"train.epochs" = 1
[axes]
seed = [0, 1]
[metrics.farness]
"""


def test_a_grid_of_a_study_asks_for_a_sixth_kind(sixth, tmp_path):
    (tmp_path / "sixth.toml").write_text(STUDY)
    cells = sixth.study("./sixth.toml").cells()
    assert [cell.request.subject.key() for cell in cells] == [
        {"seeds": recipe.id} for recipe in (cell.request.subject.what for cell in cells)
    ]
