"""Metrics that use the relevance of one training compute it once, and have the values that each has alone."""

import pytest
import torch

from vaehub import Hub
from vaehub.analysis import remembered
from vaehub.analysis.memory import forget
from vaehub.plugins.ard import kernels

SETTINGS = {"model.latent_dim": 6, "network.hidden": [16], "train.epochs": 2}
ASKED = {
    "relevance": {},
    "frechet_distance": {"latents": "relevant"},
    "precision_recall": {"latents": "relevant", "n_samples": 100, "n_clusterings": 1},
    "reconstruction_error": {"latents": "relevant", "split": "train"},
    "traversal": {"order": "relevance", "n_latents": "relevant"},
}


@pytest.fixture
def computed(monkeypatch):
    """Places at which weights were computed."""
    places, compute = [], kernels.relevance_weights
    monkeypatch.setattr(
        kernels, "relevance_weights", lambda decode, z, **rest: places.append(z) or compute(decode, z, **rest)
    )
    return places


def vectors(found):
    return {name: vector.values.tolist() for name, vector in found.vectors.items() if name in ("relevance", "relevant")}


def test_five_metrics_of_a_training_compute_its_relevance_once(tmp_path, computed):
    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe("ard", settings=SETTINGS)
    together = {metric: hub.measure(metric, recipe, settings=params) for metric, params in ASKED.items()}
    assert len(computed) == 1
    active = together["relevance"].result.vectors["active"].values.tolist()
    for metric, params in ASKED.items():
        forget()
        alone = hub.measure(metric, recipe, settings=params, force=True)
        assert vectors(alone.result) == vectors(together[metric].result)
        assert alone.result.scalars == together[metric].result.scalars
        if "relevant" in alone.result.vectors:
            assert alone.result.vectors["relevant"].values.tolist() == active
    assert len(computed) == 1 + len(ASKED)


def test_other_observations_another_average_and_other_weights_are_computed_anew(tmp_path, computed):
    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe("ard", settings=SETTINGS)
    for params in ({}, {"explained": 0.9}, {"n_samples": 50}, {"jacobian": "abs_mean"}, {"split": "validation"}):
        hub.measure("relevance", recipe, settings=params)
    assert len(computed) == 4
    model, data = hub.model(recipe)
    generator = torch.Generator().manual_seed(0)
    before = kernels.latent_relevance(model, data, 20, generator.manual_seed(0))
    assert torch.equal(before, kernels.latent_relevance(model, data, 20, generator.manual_seed(0)))
    assert len(computed) == 5
    with torch.no_grad():
        next(iter(model.network.decoder.parameters())).mul_(2)
    after = kernels.latent_relevance(model, data, 20, generator.manual_seed(0))
    assert len(computed) == 6
    assert not torch.equal(before, after)


def test_answers_are_kept_within_bounds(tmp_path, monkeypatch):
    hub = Hub.open(tmp_path / "store", device="cpu")
    model, _ = hub.model(hub.recipe("ard", settings=SETTINGS | {"train.epochs": 0}))
    made = []

    def ask(name, n=1):
        return remembered(model, name, (torch.ones(2),), lambda: made.append(name) or torch.ones(n))

    for name in [*map(str, range(20)), "19", "0"]:
        ask(name)
    assert made == [*map(str, range(20)), "0"], "the last is remembered, and the first of more than 16 is not"
    for _ in range(2):
        ask("large", 2**20)
    assert made[-2:] == ["large", "large"]
