"""A store as a dataset: every reader finds every value, and every column and method is explained."""

import json
import os
import re

import duckdb
import numpy as np
import pandas
import pyarrow.compute
import pyarrow.parquet
import pytest

from vaehub.core.errors import VaehubError
from vaehub.core.result import Result, Signatures
from vaehub.hub import Hub
from vaehub.registry.catalog import Catalog
from vaehub.registry.references import named, references
from vaehub.store.records import MeasurementRecord, TrainingRecord, now

VALUES = np.array([0.5, np.nan, np.inf, -1.0, np.nan, 2.0])


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub whose store has a training and a measurement with NaN in all places."""
    hub = Hub.open(tmp_path_factory.mktemp("hub") / "store")
    hub.store.prepare()
    parts = {
        name: {"name": value, "params": {}}
        for name, value in {"model": "beta_vae", "network": "mlp", "dataset": "digits"}.items()
    }
    recipe = parts | {"seed": 0}
    hub.store.record_training(
        TrainingRecord("t", recipe, 3, "done", None, [], now(), 1.0, "cpu"),
        [{"train": {"kl": float("nan")}}],
        {"w": np.zeros(2)},
    )
    vectors = np.full((2, 3), np.nan, np.float32)
    vectors[1] = 1
    result = Result({"n": float("nan")}, {"v": VALUES}, signatures={"s": Signatures(["a", "b"], vectors, "space")})
    asked = ("m", "frechet_distance", {"features": "inception"}, 0, {"training": "t"}, {}, "t", None)
    hub.store.record_measurement(MeasurementRecord(*asked, "done", None, now(), 1.0), result)
    return hub


@pytest.fixture(scope="module")
def folder(hub, tmp_path_factory):
    """What it is exported to."""
    found = hub.export_tables(tmp_path_factory.mktemp("exported") / "my results")
    assert found.without_reference == ()
    return found


def test_duckdb_pyarrow_and_pandas_find_every_nan_and_the_same_rows(hub, folder):
    path = str(folder.path / "data" / "results.parquet")
    asked = "count(*) filter (isnan(value)), max(value), count(*) filter (value between 0 and 3)"
    expected = hub.sql(f"select {asked} from results").to_arrow().to_pylist()
    assert str(duckdb.sql(f"select {asked} from '{path}'").fetchall()) == str([tuple(expected[0].values())])
    assert duckdb.sql(f"select count(*) from '{path}' where isnan(value)").fetchall() == [(3,)]
    column = pyarrow.parquet.read_table(path)["value"]
    assert (pyarrow.compute.sum(pyarrow.compute.is_nan(column)).as_py(), column.null_count) == (3, 0)
    assert pandas.read_parquet(path).value.isna().sum() == 3
    found = duckdb.sql(f"select * from '{path}'").to_arrow_table().to_pylist()
    assert str(found) == str(hub.sql("from results").to_arrow().to_pylist())
    vectors = str(folder.path / "data" / "signatures.parquet")
    assert duckdb.sql(
        f"select count(*) from (select unnest(vector) as x from '{vectors}') where isnan(x)"
    ).fetchall() == [(3,)]


def test_the_answer_to_a_query_in_parquet_has_every_nan_too(hub, tmp_path):
    from vaehub.cli import answers

    with hub.store.spilled("from results") as spill:
        answers.write(answers.Streamed(spill), "parquet", tmp_path / "a.parquet")
    assert duckdb.sql(f"select count(*) from '{tmp_path}/a.parquet' where isnan(value)").fetchall() == [(3,)]


def test_the_card_names_each_table_for_the_hub_and_each_column(folder):
    text = (folder.path / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    files = sorted(f"data/{each.name}" for each in (folder.path / "data").iterdir())
    assert sorted(re.findall(r"^  data_files: (.+)$", front, re.MULTILINE)) == files
    assert front.count("default: true") == 1
    assert front.index("default: true") < front.index("- config_name: trainings")
    assert 'pretty_name: "my results"' in front
    for name, n in folder.rows.items():
        schema = pyarrow.parquet.read_schema(folder.path / "data" / f"{name}.parquet")
        section = body.split(f"\n## {name}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE)
        assert [column for column, _ in rows] == schema.names
        assert f"| `data/{name}.parquet` | {n:,} |" in body
    assert "command_line" not in text


def test_references_are_those_of_the_methods_in_it(folder):
    text = (folder.path / "references.bib").read_text()
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)
    assert keys == sorted(set(keys)) == list(folder.references)
    # The model, the data, the metric, its features, and the papers whose values come along.
    assert {"higgins_2017", "alpaydin_kaynak_1998", "heusel_2017", "szegedy_2016", "bonheme_2023"} <= set(keys)
    assert "kim_mnih_2018" not in keys


def test_every_source_of_the_catalog_has_as_many_references_as_it_names():
    catalog = Catalog()
    known = references(catalog.plugins)
    for source in {each.entry.source for each in catalog.entries() if each.distribution == "vaehub"}:
        found, missing = named(known, [source])
        assert len(found) == len(re.findall(r"\b(?:19|20)\d\d\b", source)), source
        assert not (source and missing)


def test_a_folder_that_is_there_or_cannot_be_made_is_refused_and_nothing_is_left(hub, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for name, why in {
        "mine": "it is there already; name another folder",
        "file": "it is there already; name another folder",
        "no/where": "there is no folder",
    }.items():
        with pytest.raises(VaehubError, match=f"^the tables cannot be written to '.*{name}': {why}"):
            hub.export_tables(tmp_path / name)
    with pytest.raises(VaehubError, match=r"^there is no store at '.+nothing'; 'vaehub run' makes one"):
        Hub.open(tmp_path / "nothing").export_tables(tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_is_whole_or_not_there(hub, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("vaehub.hub.dataset_folder._card", full)
    with pytest.raises(VaehubError, match="No space left on device"):
        hub.export_tables(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_brings_references_beside_its_manifest(tmp_path, monkeypatch):
    package = tmp_path / "acme_references"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "references.bib").write_text(
        '@article{own_2026,\n  author = "Own, Ann and O\'Neill, Bo",\n  title = {{Mine}},\n  year = 2026,\n}\n'
        "@misc{of_nobody,\n  title = {x},\n}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    plugin = Catalog().plugins[0]
    known = references([type(plugin)("acme", "acme", "1", "acme_references")])
    found, missing = named(known, ["after Own & O'Neill 2026, Eq. 3", "Other 2020", ""])
    assert ([each.key for each in found], missing) == (["own_2026"], ["Other 2020"])
    assert json.dumps(found[0].text).count("2026") == 2
