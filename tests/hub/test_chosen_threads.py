"""Threads of trainings and measurements, as the hub chooses them."""

import sys

import numpy as np
import pytest
import torch

from vaehub import Result
from vaehub.registry import hookimpl
from vaehub.training import threads

SMALL = {"train.epochs": 1, "model.latent_dim": 3}
# One step of all observations: three times as many operations as it takes to encode and decode 1,294 of them.
WHOLE = {**SMALL, "train.batch_size": 100_000}
LARGE = {**WHOLE, "network.hidden": [1_000]}


@pytest.fixture
def two_cores(monkeypatch):
    for name in threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "n_cores", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def seen(hub, monkeypatch):
    """Number of threads in each epoch, and in each measurement by the metric ``fussy``."""
    found = []

    class Tracker:
        @hookimpl
        def vaehub_epoch_ended(self, training_id, epoch, losses):
            found.append(torch.get_num_threads())

    def measure(self, model, data):
        found.append(torch.get_num_threads())
        return Result(scalars={"n": 1})

    hub.catalog.manager.register(Tracker())
    monkeypatch.setattr(sys.modules["hub_test_plugin"].Fussy, "measure", measure)
    return found


@pytest.mark.usefixtures("two_cores")
def test_small_networks_are_trained_and_measured_with_one_thread_and_large_ones_with_all(hub, seen):
    hub.run("vae", "fussy", settings=SMALL)
    assert seen == [1, 1]
    hub.run("vae", "fussy", settings=LARGE)
    assert seen[2:] == [2, 2]


@pytest.mark.usefixtures("two_cores")
def test_a_metric_that_computes_much_has_all_threads(hub, seen, monkeypatch):
    monkeypatch.setattr(sys.modules["hub_test_plugin"].Fussy, "computes_much", True)
    hub.run("vae", "fussy", settings=SMALL)
    assert seen == [1, 2]


@pytest.mark.usefixtures("two_cores")
def test_seeds_trained_together_are_as_much_work_as_all_of_them(hub, seen):
    settings = {**WHOLE, "train.together": True, "network.hidden": [600]}
    hub.run("vae", "fussy", seed=[0, 1], settings=settings)
    assert seen == [2, 2, 1, 1]


@pytest.mark.usefixtures("two_cores")
def test_a_small_network_has_the_same_bits_on_any_number_of_cores(hub):
    recipe = hub.recipe("vae", settings=SMALL | {"network.hidden": [500]})
    hub.train(recipe)
    weights = hub.store.weights(recipe.id)
    torch.set_num_threads(1)
    hub.train(recipe, force=True)
    again = hub.store.weights(recipe.id)
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
