"""Weights handed back as files."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from vaehub import VaehubError
from vaehub.hub.export import write_weights


@pytest.fixture
def training(hub):
    recipe = hub.recipe("ard", settings={"model.latent_dim": 3, "train.epochs": 1})
    hub.train(recipe)
    return recipe


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_the_weights_are_those_of_the_model(hub, training, tmp_path, form):
    path = hub.export(training.id[:8], tmp_path / f"w.{form}", format=form)
    found = load_file(path) if form == "safetensors" else torch.load(path, weights_only=True)
    expected = hub.model(training)[0].state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in expected.items())


def test_safetensors_say_where_they_come_from(hub, training, tmp_path):
    with safe_open(hub.export(training.id, tmp_path / "w.safetensors"), "np") as file:
        notes = file.metadata()
    assert notes["training"] == training.id
    assert json.loads(notes["recipe"])["model"]["name"] == "ard"


def test_without_a_path_the_file_is_named_for_the_training(hub, training, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub.export(training.id).name == f"{training.id[:8]}.safetensors"
    assert {path.name for path in tmp_path.iterdir()} == {"store", f"{training.id[:8]}.safetensors"}


def test_what_cannot_be_written_leaves_nothing(hub, training, tmp_path):
    with pytest.raises(VaehubError, match="the weights cannot be written to"):
        hub.export(training.id, tmp_path / "no folder" / "w.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(VaehubError, match="the weights cannot be written to"):
        hub.export(training.id, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "store"]


def test_a_measurement_and_a_failed_training_have_no_weights(hub, training, tmp_path):
    found = hub.measure("relevance", training)
    with pytest.raises(VaehubError, match="is a measurement, and a training was expected"):
        hub.export(found.id, tmp_path / "w")
    failing = hub.recipe("vae", settings={"train.learning_rate": 1e30, "train.epochs": 3})
    with pytest.raises(VaehubError):
        hub.train(failing)
    with pytest.raises(VaehubError, match="failed .* so there are no weights"):
        hub.export(failing.id, tmp_path / "w")


def test_arrays_in_any_order_of_memory_keep_their_elements(hub, training, tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    weights = {"by_columns": np.asfortranarray(array), "turned": array.T, "one": np.float32(3)[...]}
    write_weights(tmp_path / "weights.safetensors", weights, hub.store.training(training.id), "safetensors")
    found = load_file(tmp_path / "weights.safetensors")
    assert {name: each.tolist() for name, each in found.items()} == {
        name: np.asarray(each).tolist() for name, each in weights.items()
    }
