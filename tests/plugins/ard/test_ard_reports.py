"""What the reports of the study take as the number of active latents of each model."""

import duckdb
import pytest

from vaehub.hub.study.definition import Definition
from vaehub.registry.catalog import Catalog

COUNTED = {"n_active": 14.0, "n_selected": 9.0}


@pytest.fixture
def results():
    """A database with results of both counts, of models that choose latents and of one that does not."""
    with duckdb.connect() as connection:
        connection.sql(
            "create table results (model text, dataset text, latent_dim int, metric text, name text, value double, "
            "params json, recipe json)"
        )
        for model in ("ard", "geco_l0_arm", "mask_aae", "vae"):
            for name, value in COUNTED.items():
                if name == "n_active" or model in ("geco_l0_arm", "mask_aae"):
                    row = [model, "mnist", 16, "relevance", name, value, "{}", "{}"]
                    connection.execute("insert into results values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            for latents in ("all", "relevant"):
                distance = [model, "mnist", 16, "frechet_distance", "frechet_distance", 1.0]
                distance += [f'{{"latents": "{latents}", "features": "inception"}}', "{}"]
                connection.execute("insert into results values (?, ?, ?, ?, ?, ?, ?, ?)", distance)
        yield connection


def active(connection, name, scale):
    catalog = Catalog()
    study = next(each for each in catalog.entries("study") if each.entry.name == "ard")
    (report,) = (each for each in Definition("ard", study.read()).at(scale).reports if each.name == name)
    found = connection.sql(report.sql)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    return {(row["model"], row["value"]) for row in rows if row["name"] == "active_dims"}


@pytest.mark.parametrize(
    ("name", "models"),
    [("2", ("geco_l0_arm", "mask_aae")), ("4", ("mask_aae",)), ("5", ("geco_l0_arm",))],
)
def test_gates_and_masks_are_counted_by_themselves_and_other_latents_by_relevance(results, name, models):
    expected = {("ard", 14.0), *((model, 9.0) for model in models)}
    assert active(results, name, "quick") - {("vae", 14.0)} == expected


def test_samples_with_relevant_latents_alone_stand_beside_the_same_counts(results):
    expected = {("ard", 14.0), ("vae", 14.0), ("geco_l0_arm", 9.0), ("mask_aae", 9.0)}
    assert active(results, "S13", "quick") == expected


def test_the_best_of_the_others_is_counted_in_its_own_way(results):
    results.sql("update results set value = 0.5 where model = 'geco_l0_arm' and name = 'frechet_distance'")
    assert active(results, "S12", "quick") == {("ard", 14.0), ("geco_l0_arm", 9.0)}
