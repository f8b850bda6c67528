"""The discrepancy between the prior and responses to it, as a metric."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import VaehubError, wrap

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 3}


def test_a_perfect_autoencoder_responds_as_the_prior_does(shared, perfect, data):
    settings = {**ALL, "n_draws": 300, "n_repeats": 3}
    found = shared.measure("structure_score", perfect, data=data, settings=settings)
    assert found["null_low"] < found["mmd2"] < found["null_high"]
    assert found["p_value"] > 0.01
    assert found["mmd2_of_repeat"].mean() == pytest.approx(found["mmd2"])
    assert found["structure_score"] == pytest.approx(math.sqrt(max(found["mmd2"], 0)))


def test_responses_that_shrink_are_told_from_the_prior(shared, make, data):
    model = make(0.5 * torch.eye(3), torch.eye(3))
    found = shared.measure("structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3})
    assert found["mmd2"] > found["null_high"]
    assert found["p_value"] == pytest.approx(1 / 201)
    gaussian = shared.measure(
        "structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3, "kernel": "rbf"}
    )
    assert gaussian["p_value"] == pytest.approx(1 / 201)


def test_a_latent_that_collapsed_lowers_the_score_of_draws_and_raises_that_of_means(shared, make, data):
    # q(z|x) of the collapsed latents is the prior.
    class Collapsed(nn.Module):
        def forward(self, x):
            mu = x * torch.tensor([1.0, 0.0, 0.0])
            return mu, torch.tensor([-20.0, 0.0, 0.0]).expand_as(mu)

    model = wrap(encoder=Collapsed(), decoder=nn.Identity())
    sampled, mean = (
        shared.measure(
            "structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3, "response": how}
        )
        for how in ("sampled", "mean")
    )
    assert sampled["mmd2"] < sampled["null_high"]
    assert mean["mmd2"] > 0.3
    # Of the causal latents, of which the collapsed ones are none, both are alike.
    assert sampled["n_causal"] == mean["n_causal"] == 1
    assert mean["causal_mmd2"] < 0.01


def test_without_causal_latents_that_score_is_undefined(shared, perfect, data):
    found = shared.measure(
        "structure_score", perfect, data=data, settings={**ALL, "n_draws": 50, "causal_threshold": 100}
    )
    for name in ("causal_mmd2", "causal_structure_score", "causal_p_value"):
        assert np.isnan(found[name])
    assert np.isfinite(found["structure_score"])
    assert "there are none" in shared.figure(found.id).axes[1].get_title()


def test_without_exchanges_there_is_no_interval(shared, perfect, data):
    settings = {**ALL, "n_draws": 50, "n_permutations": 0, "n_repeats": 1}
    found = shared.measure("structure_score", perfect, data=data, settings=settings)
    assert "p_value" not in found.result.scalars
    assert np.isnan(found["mmd2_deviation"])
    assert not shared.figure(found.id).axes[0].patches


def test_a_bandwidth_is_for_its_kernel(hub):
    with pytest.raises(VaehubError, match="was given a bandwidth, and the kernel 'imq' has none"):
        hub.run("vae", "structure_score", settings={**QUICK, "metric.bandwidth": 2})
