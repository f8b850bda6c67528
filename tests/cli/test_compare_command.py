"""The command that compares two trainings."""

import json

import numpy as np
import pytest

from vaehub import Hub, Table
from vaehub.cli.compare import _matrices

QUICK = {"train.epochs": 1, "data.subset": 100, "network.hidden": [8]}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with two trainings, and their ids."""
    hub = Hub.open(tmp_path_factory.mktemp("compared") / "store", device="cpu")
    recipes = [hub.recipe("vae", settings={**QUICK, "model.latent_dim": latent_dim}) for latent_dim in (2, 3)]
    return hub.store.path, [hub.train(recipe).id for recipe in recipes]


@pytest.fixture
def two(store, monkeypatch):
    """Ids of both, in the store that commands use."""
    path, ids = store
    monkeypatch.setenv("VAEHUB_STORE", str(path))
    return ids


def test_layers_of_two_trainings_are_a_matrix_and_a_picture(vaehub, two, tmp_path):
    done = vaehub("compare", two[0][:8], two[1][:8], "--metric", "cka", "-o", "cka.png")
    assert done.returncode == 0, done.stderr
    heading = next(line for line in done.stdout.splitlines() if line.strip().startswith("cka ") and "encoder_1" in line)
    assert heading.split() == ["cka", "input", "encoder_1", "mean", "variance", "sampled", "decoder_1", "decoder_2"]
    [row] = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("input ")]
    assert float(row[1]) == 1
    assert (tmp_path / "cka.png").stat().st_size > 10_000


def test_seeds_of_both_are_compared_each_with_each(vaehub, two):
    done = vaehub("compare", *two, "-k", "cka", "--seed", "0", "--seed", "1", "-s", 'metric.layers=["mean"]', "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["measurements"]) == 4
    [mean] = found["mean"]["tables"]["similarity"]["columns"]["cka"]
    single = [each["tables"]["similarity"]["columns"]["cka"][0] for each in found["measurements"]]
    assert mean == pytest.approx(sum(single) / 4)
    assert not any(each["reused"] for each in found["measurements"])
    shown = vaehub("compare", *two, "-k", "cka", "--seed", "0", "--seed", "1", "-s", 'metric.layers=["mean"]')
    assert "mean over 4 pairs" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("A", "f00d", "-k", "cka"), "has an id that begins with 'f00d'"),
        (("A", "B", "-k", "elbo"), "metric 'elbo' measures a model, and was given something else"),
        (("A", "B", "-k", "cka", "-s", "model.beta=2"), "setting 'model.beta' is not the metric's"),
        (("A", "B", "-k", "cka", "-s", "metric.layers=['mu']"), "first of two models: the model has no layer 'mu'"),
        (("A", "B", "-k", "cka", "-o", "nowhere/cka.png"), "there is no folder 'nowhere'"),
        (("A", "A", "-k", "cka", "--seed", "0"), "with one seed there is only itself; give several"),
    ],
)
def test_bad_input_is_one_sentence(vaehub, two, arguments, sentence):
    ids = dict(zip("AB", two, strict=True))
    done = vaehub("compare", *(ids.get(each, each) for each in arguments))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5]])
def test_a_matrix_has_each_score_at_its_pair_whatever_the_order_of_rows(order):
    rows, columns, scores = "aaabbb", "xyzxyz", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    keys = {"of_a": [rows[at] for at in order], "of_b": [columns[at] for at in order]}
    [(heading, lines)] = _matrices(Table(keys, {"s": np.array([scores[at] for at in order])}), 80)
    assert heading == ["s", "x", "y", "z"]
    assert lines == [["a", 1, 2, 3], ["b", 4, 5, 6]]


def test_what_is_no_matrix_is_none():
    twice = Table({"of_a": list("aabb"), "of_b": list("xxyy")}, {"s": np.arange(4.0)})
    assert _matrices(twice, 80) == []
