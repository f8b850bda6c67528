"""What each command prints and stores."""

import csv
import io
import json
from pathlib import Path

import pytest

from vaehub.core.recipe import TrainParams

QUICK = ("--set", "train.epochs=2", "--set", "model.latent_dim=4")
RUN = ("run", "--model", "ard", "--metric", "relevance", *QUICK)


def test_run_ends_with_the_relevance_of_each_latent_the_active_ones_and_ids(vaehub):
    done = vaehub(*RUN)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ard on digits with network mlp, seed 0, 4 latents, 2 epochs: trained (")
    rows = [line.split() for line in lines if line.strip().startswith(("0 ", "1 ", "2 ", "3 "))]
    assert sorted(row[0] for row in rows) == ["0", "1", "2", "3"]
    relevances = [float(row[1]) for row in rows]
    assert relevances == sorted(relevances, reverse=True)
    assert any(line.startswith("n_active ") for line in lines)
    assert "training " in lines[0]
    assert done.stderr == ""


def test_a_training_says_what_is_held_out_also_when_it_comes_from_the_store(vaehub):
    note = "note: 180 of 1797 training observations are held out for validation; 'train.validation=0' trains on all"
    for _ in range(2):
        assert note in vaehub(*RUN).stdout.splitlines()
    assert "held out" not in vaehub(*RUN, "--set", "train.validation=0").stdout


def test_a_model_without_epochs_is_not_called_trained(vaehub):
    done = vaehub(*RUN, "--set", "train.epochs=0")
    assert ", 0 epochs: not trained (" in done.stdout.splitlines()[0]


def test_a_second_run_answers_from_the_store_with_the_same_numbers(vaehub):
    first, second = (json.loads(vaehub(*RUN, "--json").stdout)[0] for _ in range(2))
    assert (first["reused"], second["reused"]) == (False, True)
    assert first["vectors"] == second["vectors"]
    assert first["training"]["started"] == second["training"]["started"]


def test_force_does_it_again_and_gives_the_same_bits(vaehub):
    first = json.loads(vaehub(*RUN, "--json").stdout)[0]
    again = json.loads(vaehub(*RUN, "--json", "--force").stdout)[0]
    assert not again["reused"]
    assert again["training"]["started"] > first["training"]["started"]
    assert again["vectors"] == first["vectors"]
    assert "1 trainings, 1 measurements, 1 files checked: whole" in vaehub("verify").stdout


def test_metrics_and_seeds_repeat(vaehub):
    found = json.loads(vaehub(*RUN, "--metric", "elbo", "--seed", "3", "--seed", "4", "--jobs", "1", "--json").stdout)
    assert [(each["metric"], each["seed"]) for each in found] == [
        ("relevance", 3),
        ("elbo", 3),
        ("relevance", 4),
        ("elbo", 4),
    ]


def test_the_query_of_the_issue_works(vaehub, quick_store):
    query = "select name, index, value from results where metric='relevance' order by value desc limit 5"
    done = vaehub("sql", query, "--store", quick_store)
    assert done.returncode == 0
    assert done.stdout.split()[:3] == ["name", "index", "value"]
    assert len([line for line in done.stdout.splitlines() if line.strip()]) == 2 + 5


def test_answers_come_as_json_and_csv(vaehub, quick_store):
    query = "select index, value from results where name = 'relevance' order by index"
    as_json = json.loads(vaehub("sql", query, "--store", quick_store, "--json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(vaehub("sql", query, "--store", quick_store, "-f", "csv").stdout)))
    assert [row["index"] for row in as_json] == [0, 1, 2, 3]
    assert [float(row["value"]) for row in as_csv] == [row["value"] for row in as_json]


def test_answers_come_as_parquet(vaehub, quick_store, tmp_path):
    from pyarrow import parquet

    done = vaehub("sql", "from results", "--store", quick_store, "-f", "parquet", "-o", "rows.parquet")
    assert done.returncode == 0
    assert "value" in parquet.read_table(tmp_path / "rows.parquet").column_names


def test_show_lists_and_shows(vaehub, quick_store):
    listed = json.loads(vaehub("show", "--store", quick_store, "--json").stdout)
    training, measurement = listed["trainings"][0]["id"], listed["measurements"][0]["id"]
    shown = vaehub("show", training[:6], "--store", quick_store).stdout
    assert "reconstruction" in shown
    assert "relevance" in shown
    assert measurement[:8] in vaehub("show", measurement[:10], "--store", quick_store).stdout


def test_plot_writes_a_picture(vaehub, quick_store):
    pytest.importorskip("matplotlib")
    listed = json.loads(vaehub("show", "--store", quick_store, "--json").stdout)
    relevance = next(each["id"] for each in listed["measurements"] if each["metric"] == "relevance")
    for record in (relevance, listed["trainings"][0]["id"]):
        done = vaehub("plot", record, "-o", "picture.png", "--store", quick_store)
        assert done.returncode == 0, done.stderr
        assert Path("picture.png").read_bytes().startswith(b"\x89PNG")


def test_list_names_every_built_in(vaehub):
    listed = {(each["kind"], each["name"]) for each in json.loads(vaehub("list", "--json").stdout)}
    assert {("model", "ard"), ("network", "mlp"), ("dataset", "digits"), ("metric", "relevance")} <= listed
    assert {each["kind"] for each in json.loads(vaehub("list", "metric", "--json").stdout)} == {"metric"}
    features = {each["name"] for each in json.loads(vaehub("list", "features", "--json").stdout)}
    assert features == {"pixels", "inception", "imagenet", "resnet18", "training", "module"}


def test_list_finds_words_in_names_and_lines(vaehub):
    found = json.loads(vaehub("list", "--search", "Collapse posterior", "--json").stdout)
    assert found
    for each in found:
        said = f"{each['name']} {each['summary']}".lower()
        assert {"collapse", "posterior"} <= set(said.replace(":", " ").split())
    every = json.loads(vaehub("list", "--json").stdout)
    assert {"cka"} <= {
        each["name"] for each in json.loads(vaehub("list", "metric", "--search", "cka", "--json").stdout)
    }
    assert len(found) < len(every)
    none = vaehub("list", "model", "--search", "no such words")
    assert none.returncode == 2
    assert none.stderr.splitlines()[-1].endswith(
        "no model has 'no such words' in its name or its line; 'vaehub list' shows all"
    )


def test_describe_shows_parameters_with_defaults_and_limits(vaehub):
    described = json.loads(vaehub("describe", "ard", "--json").stdout)
    [found] = [each for each in described if each["kind"] == "model"]
    assert found["source"].startswith("Saha")
    beta = next(each for each in found["params"] if each["name"] == "beta")
    assert (beta["type"], beta["default"], beta["limits"]) == ("float", 0.5, ">= 0")
    assert "weight of the divergence" in vaehub("describe", "ard").stdout


def test_the_settings_of_trainings_are_described_like_those_of_a_model(vaehub):
    [found] = json.loads(vaehub("describe", "train", "--json").stdout)
    assert [each["name"] for each in found["params"]] == list(TrainParams.model_fields)
    validation = next(each for each in found["params"] if each["name"] == "validation")
    assert (validation["default"], validation["limits"]) == (0.1, ">= 0, < 1")
    shown = " ".join(vaehub("describe", "train").stdout.split())
    assert "settings train: how models of any kind are trained, set as train.NAME" in shown
    assert "share of the training split for validation" in shown


def test_no_name_of_the_catalog_is_that_of_the_settings(vaehub):
    assert "train" not in {each["name"] for each in json.loads(vaehub("list", "--json").stdout)}
    done = vaehub("describe", "training_")
    assert done.returncode == 2
    assert "unknown name 'training_'" in done.stderr


def test_plugin_list_says_what_comes_from_where(vaehub):
    found = {each["name"]: each for each in json.loads(vaehub("plugin", "list", "--json").stdout)}
    assert found["ard"]["distribution"] == "vaehub"
    assert "model ard" in found["ard"]["contributes"]


def test_verify_finds_damage_and_exits_with_1(vaehub):
    vaehub(*RUN, "--store", "hurt")
    [weights] = Path("hurt/arrays").glob("*.h5")
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    done = vaehub("verify", "--store", "hurt")
    assert done.returncode == 1
    assert "is damaged: its sha256 is" in done.stdout


def test_the_store_can_be_named_by_the_environment(vaehub, monkeypatch):
    monkeypatch.setenv("VAEHUB_STORE", "elsewhere")
    vaehub(*RUN)
    assert Path("elsewhere/results.duckdb").is_file()


def test_the_version_is_that_of_the_package(vaehub):
    from importlib.metadata import version

    assert vaehub("--version").stdout == f"vaehub {version('vaehub')}\n"
