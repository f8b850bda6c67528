"""Models, data and numbers that metrics of samples refuse."""

import pytest
import torch
from generation_samples import METRICS, QUICK, Linear, measured

from vaehub import (
    DataError,
    Dataset,
    VaehubError,
    WorkFailed,
)


def test_a_training_that_needs_more_than_observations_is_refused(trained_hub):
    recipe = trained_hub.recipe("ivae", dataset="digits", settings=QUICK)
    asked = {"features": "training", "training": trained_hub.train(recipe).id}
    with pytest.raises(VaehubError, match="makes features is given observations alone: .* needs the labels"):
        trained_hub.measure("frechet_distance", recipe, settings=asked)


# What is refused


@pytest.mark.parametrize("name", METRICS)
def test_models_that_make_no_samples_are_refused(data, name):
    with pytest.raises(VaehubError, match=f"metric '{name}' needs a model with a decoder, and this one has none"):
        measured(name, Linear(data, decodes=False), data)
    with pytest.raises(VaehubError, match=f"metric '{name}' draws from the prior: .* has no prior to draw from"):
        measured(name, Linear(data, has_prior=False), data)
    assert measured(name, Linear(data, has_prior=False), data, source="reconstruction").scalars


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("kernel_distance", {"subset_size": 1000}, "draws subsets of 1000, and there are 300 of each side"),
        ("kernel_distance", {"n_samples": 20}, r"draws subsets of 50, and there are 20 .* metric.subset_size=10"),
        ("precision_recall", {"n_samples": 9}, "makes 20 clusters and looks for 3 neighbours, and there are 9 samples"),
        ("precision_recall", {"n_neighbours": 300}, "looks for 300 neighbours, and there are 300 samples"),
        ("frechet_distance", {"split": "test"}, "there is no split 'test' of these data"),
    ],
)
def test_too_few_observations_are_refused(data, name, params, words):
    with pytest.raises(DataError, match=words):
        measured(name, Linear(data), data, **params)


def test_one_observation_is_no_set():
    data = Dataset(torch.zeros(1, 3))
    with pytest.raises(DataError, match="needs at least 2 observations, and got 1: the split 'all' has 1"):
        measured("frechet_distance", Linear(data), data, split="all")


@pytest.mark.parametrize("name", METRICS)
def test_samples_that_are_not_finite_have_no_distance(data, name):
    with pytest.raises(WorkFailed, match="features of 300 of 300 samples are NaN or infinite, and have no distance"):
        measured(name, Linear(data, wrong=float("nan")), data)


def test_a_decoder_that_is_not_finite_has_no_relevant_latents(data):
    model = Linear(data)
    model.matrix = model.matrix * float("inf")
    with pytest.raises(WorkFailed, match="the relevance of a latent is NaN or infinite"):
        measured("frechet_distance", model, data, latents="relevant")
